// @ts-check
// What went wrong in words that help: errors of the API, of the analyzer and of the line, by their codes. No DOM, no network.

import { idOf } from "./words.js";

/** @typedef {import("../client/api.js").Analysis} Analysis */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {{ code?: string, title?: string, detail?: string, message?: string, retryAfterSeconds?: number | null }} Problem */

/**
 * What went wrong, what to do about it, and what the button offers: another photo, or the same one once more. `language` is that of
 * `advice`, where it is not the page's.
 *
 * @typedef {{ title: string, advice: string, next: "choose" | "retry", language?: string }} Advice
 */

/** Those that the same photo would meet again. */
const OF_THE_PHOTO = new Set([
  "NO_FACE",
  "MULTIPLE_FACES",
  "FACE_TOO_SMALL",
  "TOO_DARK",
  "TOO_BRIGHT",
  "BLURRED",
  "NOT_AN_IMAGE",
  "DAMAGED",
  "UNSUPPORTED_FORMAT",
  "IMAGE_TOO_LARGE",
  "IMAGE_TOO_SMALL",
  "GREYSCALE",
  "LIGHT_TOO_COLOURED",
  "PHOTO_REFUSED",
  "NOT_FOUND",
]);

/** Other names of the same things. @type {Record<string, string>} */
const SAME_AS = {
  TOO_LARGE: "IMAGE_TOO_LARGE",
  PAYLOAD_TOO_LARGE: "IMAGE_TOO_LARGE",
  HTTP_413: "IMAGE_TOO_LARGE",
  GRAYSCALE: "GREYSCALE",
  UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_FORMAT",
  HTTP_415: "UNSUPPORTED_FORMAT",
  TOO_MANY_REQUESTS: "RATE_LIMITED",
  TOO_MANY_ANALYSES: "RATE_LIMITED",
  TOO_MANY_UPLOADS: "RATE_LIMITED",
  HTTP_429: "RATE_LIMITED",
  QUEUE_FULL: "OVERLOADED",
  REQUEST_TIMEOUT: "TIMEOUT",
  SERVICE_UNAVAILABLE: "UNAVAILABLE",
  HTTP_502: "UNAVAILABLE",
  HTTP_503: "UNAVAILABLE",
  HTTP_504: "TIMEOUT",
  HTTP_500: "INTERNAL",
  INTERNAL_ERROR: "INTERNAL",
  ANALYZER_TIMEOUT: "INTERNAL",
  ANALYZER_FAILED: "INTERNAL",
  ATTEMPTS_EXHAUSTED: "INTERNAL",
  TOKEN_EXPIRED: "UNAUTHENTICATED",
  UNAUTHORIZED: "UNAUTHENTICATED",
  REFRESH_TOKEN_INVALID: "UNAUTHENTICATED",
  HTTP_401: "UNAUTHENTICATED",
  HTTP_404: "NOT_FOUND",
};

/** The analyzer writes codes in upper case, the API its own in lower case. @param {string | undefined} code */
function folded(code) {
  const upper = (code ?? "").toUpperCase();
  return SAME_AS[upper] ?? upper;
}

/**
 * Finds words for an error. One that the catalogue does not know speaks for itself, in the API's English.
 *
 * @param {Words} words
 * @param {Problem} problem
 * @returns {Advice}
 */
export function adviceFor(words, problem) {
  const code = folded(problem.code);
  const id = idOf("advice", code);
  const advice = words.find(id);
  if (advice === null) {
    const theirs = [problem.detail, problem.message].find((text) => text && text !== problem.title);
    const unknown = { title: words.say("advice-unknown.title"), advice: words.say("advice-unknown"), next: /** @type {const} */ ("retry") };
    return theirs ? { ...unknown, advice: sentence(theirs), language: "en" } : unknown;
  }
  const title = words.say(`${id}.title`);
  if (OF_THE_PHOTO.has(code)) return { title, advice, next: "choose" };
  const after = problem.retryAfterSeconds;
  if (!after || after < 5) return { title, advice, next: "retry" };
  return { title, advice: words.say("advice-later", { advice, duration: words.duration(after) }), next: "retry" };
}

/**
 * Words for an analysis that ended without a result: the API's own, in the person's language, for codes that the catalogue does not
 * know.
 *
 * @param {Words} words
 * @param {Analysis} analysis
 * @returns {Advice}
 */
export function adviceForAnalysis(words, { status, error, advice }) {
  const code = error?.code;
  const ours = adviceFor(words, code ? error : { code: status });
  const told = code && words.find(idOf("advice", folded(code))) === null ? advice?.find((one) => one.code === code) : undefined;
  return told ? { ...ours, title: told.title ?? ours.title, advice: told.text, language: told.language } : ours;
}

/** @param {string} text */
export function sentence(text) {
  const trimmed = text.trim();
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
}

/**
 * `DEEP_AUTUMN`, `deep-autumn` → `Deep autumn`: a code that has no words.
 *
 * @param {string} code
 */
export function humanise(code) {
  return sentence(code.replace(/[_-]+/g, " ").trim().toLowerCase());
}
