// @ts-check
// Codes and numbers as words that a person understands. Pure: no network, no DOM.

/** @typedef {import("../client/api.js").Analysis} Analysis */
/** @typedef {import("../client/api.js").Told} Told */
/** @typedef {{ code?: string, title?: string, detail?: string, message?: string, retryAfterSeconds?: number | null }} Problem */

/**
 * What went wrong, what to do about it, and what the button offers: another photo, or the same one once more.
 *
 * @typedef {{ title: string, advice: string, next: "choose" | "retry", language?: string }} Advice
 */

/** By upper-case code: those of the analyzer are written so, the API's own are folded to it. @type {Record<string, Advice>} */
const ADVICE = {
  NO_FACE: {
    title: "We could not find a face",
    advice: "Use a photo that shows your whole face from the front, without sunglasses, a mask or hair across it.",
    next: "choose",
  },
  MULTIPLE_FACES: {
    title: "There is more than one face",
    advice: "Colours are read from one person at a time. Choose a photo with only you in it, or crop the others out.",
    next: "choose",
  },
  FACE_TOO_SMALL: {
    title: "Your face is too small in this photo",
    advice: "Come closer or crop the photo, so that your face fills about a third of it.",
    next: "choose",
  },
  TOO_DARK: {
    title: "This photo is too dark",
    advice: "Turn towards a window and take it again. Daylight works best, a lamp at night does not.",
    next: "choose",
  },
  TOO_BRIGHT: {
    title: "This photo is too bright",
    advice: "Parts of your skin are washed out to white. Step out of direct sun and switch the flash off.",
    next: "choose",
  },
  BLURRED: {
    title: "This photo is blurred",
    advice: "Wipe the lens, hold still for a moment and take it again.",
    next: "choose",
  },
  NOT_AN_IMAGE: {
    title: "This file is not a photo",
    advice: "Choose a JPEG, PNG, WebP or HEIC picture. The file may also be damaged: try another copy.",
    next: "choose",
  },
  DAMAGED: {
    title: "This photo is damaged",
    advice: "The part of the file with your face is missing. Choose the original, or send it to this device again.",
    next: "choose",
  },
  UNSUPPORTED_FORMAT: {
    title: "We cannot read this kind of picture",
    advice: "Choose a JPEG, PNG, WebP or HEIC photo. Photos straight from a phone work.",
    next: "choose",
  },
  IMAGE_TOO_LARGE: {
    title: "This photo is too large",
    advice: "Photos can have up to 10 MB. Choose a smaller one, or crop it to your face.",
    next: "choose",
  },
  IMAGE_TOO_SMALL: {
    title: "This photo has too few pixels",
    advice: "Choose the original instead of a thumbnail, or one that was not shrunk by a messenger.",
    next: "choose",
  },
  GREYSCALE: {
    title: "This photo has no colour",
    advice: "It is black and white, or nearly so. Choose one in colour, as the camera took it.",
    next: "choose",
  },
  LIGHT_TOO_COLOURED: {
    title: "The light has too much colour",
    advice: "Coloured light, or a filter, hides the colour of your skin. Take one by a window, with the lamps and filters off.",
    next: "choose",
  },
  IMAGE_MISSING: {
    title: "Your photo did not arrive",
    advice: "The upload was lost on the way, or the photo has already been deleted. Please send it again.",
    next: "retry",
  },
  UPLOAD_REFUSED: {
    title: "The upload was refused",
    advice: "The photo store did not take your photo. Please send it again.",
    next: "retry",
  },
  RATE_LIMITED: {
    title: "That was a lot of photos at once",
    advice: "Your photo is still here. Please wait a little, then try again.",
    next: "retry",
  },
  OVERLOADED: {
    title: "Many people are asking right now",
    advice: "Your photo is still here. Please wait a little, then try again.",
    next: "retry",
  },
  NETWORK: {
    title: "We cannot reach ToneUp",
    advice: "Check your connection, then try again. Your photo is still here.",
    next: "retry",
  },
  TIMEOUT: {
    title: "ToneUp did not answer in time",
    advice: "The connection may be slow. Your photo is still here: try again.",
    next: "retry",
  },
  INTERNAL: {
    title: "Something broke on our side",
    advice: "It is not your photo's fault. Please try again in a moment.",
    next: "retry",
  },
  UNAVAILABLE: {
    title: "ToneUp is taking a short break",
    advice: "It should be back in a moment. Your photo is still here: try again.",
    next: "retry",
  },
  UNAUTHENTICATED: {
    title: "Your session has ended",
    advice: "Please try again: a new session starts by itself.",
    next: "retry",
  },
  NOT_FOUND: {
    title: "We cannot find this analysis",
    advice: "It belongs to another device or to a session that has ended. You can start a new one.",
    next: "choose",
  },
  EXPIRED: {
    title: "This took too long",
    advice: "Your photo could not be looked at in time, so we stopped. Please try again.",
    next: "retry",
  },
  CANCELLED: {
    title: "This analysis was cancelled",
    advice: "Nothing more will happen to it. You can start again whenever you like.",
    next: "retry",
  },
};

/** Other names of the same things. @type {Record<string, string>} */
const SAME_AS = {
  TOO_LARGE: "IMAGE_TOO_LARGE",
  PAYLOAD_TOO_LARGE: "IMAGE_TOO_LARGE",
  HTTP_413: "IMAGE_TOO_LARGE",
  GRAYSCALE: "GREYSCALE",
  UNSUPPORTED_MEDIA_TYPE: "UNSUPPORTED_FORMAT",
  HTTP_415: "UNSUPPORTED_FORMAT",
  TOO_MANY_REQUESTS: "RATE_LIMITED",
  HTTP_429: "RATE_LIMITED",
  QUEUE_FULL: "OVERLOADED",
  REQUEST_TIMEOUT: "TIMEOUT",
  SERVICE_UNAVAILABLE: "UNAVAILABLE",
  HTTP_502: "UNAVAILABLE",
  HTTP_503: "UNAVAILABLE",
  HTTP_504: "TIMEOUT",
  HTTP_500: "INTERNAL",
  INTERNAL_ERROR: "INTERNAL",
  TOKEN_EXPIRED: "UNAUTHENTICATED",
  UNAUTHORIZED: "UNAUTHENTICATED",
  REFRESH_TOKEN_INVALID: "UNAUTHENTICATED",
  HTTP_401: "UNAUTHENTICATED",
  HTTP_404: "NOT_FOUND",
};

/**
 * Finds words for an error of the API, of the analyzer or of the line. One that is not known speaks for itself.
 *
 * @param {Problem} problem
 * @returns {Advice}
 */
export function adviceFor(problem) {
  const code = (problem.code ?? "").toUpperCase();
  const known = ADVICE[SAME_AS[code] ?? code];
  if (known) {
    const after = problem.retryAfterSeconds;
    if (known.next !== "retry" || !after || after < 5) return known;
    return { ...known, advice: `${known.advice} It should work in ${durationWords(after)}.` };
  }
  const theirs = [problem.detail, problem.message].find((text) => text && text !== problem.title);
  return {
    title: problem.title ? sentence(problem.title) : "That did not work",
    advice: theirs ? sentence(theirs) : "Please try again. If it happens again, try another photo.",
    next: "retry",
  };
}

/**
 * Words for an analysis that ended without a result.
 *
 * @param {Analysis} analysis
 * @returns {Advice}
 */
export function adviceForAnalysis({ status, error, advice }) {
  const known = adviceFor(error?.code ? error : { code: status });
  const told = inTheirLanguage(advice, error?.code);
  return told ? { ...known, title: told.title ?? known.title, advice: told.text, language: told.language } : known;
}

/**
 * This page's words are English. A person whose browser asks for another language gets the API's, if it has them.
 *
 * @param {Told[] | undefined} advice
 * @param {string | undefined} code
 */
export function inTheirLanguage(advice, code) {
  return advice?.find((told) => told.code === code && told.language !== "en");
}

/** @param {string} text */
function sentence(text) {
  const trimmed = text.trim();
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
}

/**
 * A length of time as one would say it: rounded, never falsely exact.
 *
 * @param {number} seconds
 */
export function durationWords(seconds) {
  if (seconds < 5) return "a few seconds";
  if (seconds < 55) return `about ${Math.ceil(seconds / 5) * 5} seconds`;
  if (seconds < 90) return "about a minute";
  if (seconds < 3300) return `about ${Math.round(seconds / 60)} minutes`;
  const hours = Math.max(1, Math.round(seconds / 3600));
  return hours === 1 ? "about an hour" : `about ${hours} hours`;
}

/**
 * Where a waiting photo stands, in a line for the eye and the ear.
 *
 * @param {Pick<Analysis, "queuePosition" | "estimatedWaitSeconds">} analysis
 * @returns {{ title: string, detail: string }}
 */
export function queueWords({ queuePosition, estimatedWaitSeconds }) {
  const wait = typeof estimatedWaitSeconds === "number" ? sentence(durationWords(estimatedWaitSeconds)) : "";
  if (typeof queuePosition !== "number") return { title: "In line", detail: wait && `${wait} to go` };
  const title = queuePosition <= 1 ? "You are next" : `Number ${queuePosition} in line`;
  return { title, detail: wait && `${wait} to go` };
}

/**
 * How clearly a photo points to one season, in four steps. Confidence is the analysis's own certainty and has not been
 * checked against people whose season is known: no percentage is shown, and a leaning is called a leaning.
 *
 * @param {number} confidence 0 to 1; with four seasons, 0.25 says nothing
 * @returns {{ level: 1 | 2 | 3 | 4, title: string, detail: string }}
 */
export function confidenceWords(confidence) {
  if (confidence >= 0.8) {
    return { level: 4, title: "A clear reading", detail: "This photo points to one season. Another light could still shift it a little." };
  }
  if (confidence >= 0.6) {
    return { level: 3, title: "A fair reading", detail: "This photo fits one season better than the others. A second one in daylight tells whether it stays." };
  }
  if (confidence >= 0.4) {
    return { level: 2, title: "A leaning", detail: "You lean this way, but a neighbouring season is close. Try a second photo in daylight." };
  }
  return { level: 1, title: "A close call", detail: "In this photo your colours lie between seasons. Take it as a hint, and try another one in daylight." };
}

/**
 * Undertone in words, with what it means.
 *
 * @param {string | null | undefined} undertone
 */
export function undertoneWords(undertone) {
  const key = (undertone ?? "").toUpperCase();
  if (!key) return null;
  if (key.startsWith("WARM")) return { title: "Warm", detail: "golden, towards yellow" };
  if (key.startsWith("COOL")) return { title: "Cool", detail: "rosy, towards blue" };
  if (key.startsWith("NEUTRAL")) {
    const lean = key.includes("WARM") ? ", a little golden" : key.includes("COOL") ? ", a little rosy" : "";
    return { title: "Neutral", detail: `between golden and rosy${lean && lean.replace(",", " and")}` };
  }
  if (key.startsWith("OLIVE")) return { title: "Olive", detail: "a touch of green" };
  return { title: humanise(key), detail: "" };
}

/**
 * Skin tone from the individual typology angle (Chardon et al. 1991), in degrees.
 *
 * @param {number} ita
 */
export function skinToneWords(ita) {
  if (ita > 55) return "Very light";
  if (ita > 41) return "Light";
  if (ita > 28) return "Medium";
  if (ita > 10) return "Tan";
  if (ita > -30) return "Brown";
  return "Deep";
}

/**
 * Contrast between skin and brows.
 *
 * @param {string | number | null | undefined} contrast a difference in lightness, 0 to 100, or a word
 */
export function contrastWords(contrast) {
  if (typeof contrast === "string" && contrast) return humanise(contrast);
  if (typeof contrast !== "number" || !Number.isFinite(contrast)) return null;
  if (contrast < 22) return "Soft";
  return contrast < 38 ? "Medium" : "Strong";
}

/** @type {Record<string, string>} */
const WARNINGS = {
  COLOUR_CAST: "The light had a colour of its own. A photo in daylight gives a truer reading.",
  COLOR_CAST: "The light had a colour of its own. A photo in daylight gives a truer reading.",
  MIXED_LIGHT: "Two kinds of light fall on your face. A photo by a window, with the lamps off, gives a truer reading.",
  NOT_FRONTAL: "Your face is turned a little. A photo from the front gives a truer reading.",
  FACE_CUT: "Part of your face is outside the photo. One with all of it gives a truer reading.",
  OCCLUDED: "Something covers your face. A photo without glasses, mask or hair across it gives a truer reading.",
  LOW_CONFIDENCE: "The seasons were close together. Take this one as a hint.",
  UNEVEN_LIGHT: "The light falls from one side. Facing a window gives a truer reading.",
  TOO_DARK: "The photo is rather dark, which makes the reading less certain.",
  TOO_BRIGHT: "Parts of your face are very bright, which makes the reading less certain.",
  BLURRED: "The photo is not quite sharp, which makes the reading less certain.",
  FACE_TOO_SMALL: "Your face is small in this photo. A closer one gives a truer reading.",
  MULTIPLE_FACES: "There are several faces in the photo; we read the largest.",
  MAYBE_DIFFERENT_PEOPLE: "The skin in these photos differs more than light explains. Are all of them of you?",
};

/** @param {string} warning a code, or a sentence already */
export function warningWords(warning) {
  const known = WARNINGS[warning.toUpperCase().replace(/[\s-]+/g, "_")];
  return known ?? (/\s/.test(warning) ? sentence(warning) : humanise(warning));
}

/**
 * `DEEP_AUTUMN`, `deep-autumn` → `Deep autumn`.
 *
 * @param {string} code
 */
export function humanise(code) {
  return sentence(code.replace(/[_-]+/g, " ").trim().toLowerCase());
}

/**
 * The words of several photos in one analysis.
 *
 * @typedef {object} PhotosWords
 * @property {string} language
 * @property {string} add
 * @property {string} hint
 * @property {string} list
 * @property {(number: number, name: string) => string} remove
 * @property {(number: number) => string} removed
 * @property {(count: number) => string} chosen
 * @property {string} fact
 * @property {(counted: number, leftOut: number) => string} combined
 * @property {[string, string, string]} spread from agreement to disagreement
 */

/** @type {{ en: PhotosWords, ko: PhotosWords }} */
const PHOTOS = {
  en: {
    language: "en",
    add: "Add another, in other light",
    hint: "Up to five photos of you: light is most of the error, and they are combined.",
    list: "Your photos",
    remove: (number, name) => `Remove photo ${number}, ${name}`,
    removed: (number) => `Photo ${number} is removed`,
    chosen: (count) => `${count} photos of you`,
    fact: "Photos",
    combined: (counted, leftOut) =>
      `${counted} ${counted === 1 ? "photo" : "photos"} combined${leftOut > 0 ? `, ${leftOut} left out` : ""}`,
    spread: ["they agree", "they agree in part", "they disagree: light decides much here"],
  },
  ko: {
    language: "ko",
    add: "다른 빛에서 찍은 사진 추가",
    hint: "본인 사진을 다섯 장까지 더할 수 있어요. 오차는 대부분 빛에서 생기고, 사진들을 함께 봐요.",
    list: "내 사진",
    remove: (number, name) => `사진 ${number} 빼기, ${name}`,
    removed: (number) => `사진 ${number}을(를) 뺐어요`,
    chosen: (count) => `내 사진 ${count}장`,
    fact: "사진",
    combined: (counted, leftOut) => `사진 ${counted}장을 함께 봤어요${leftOut > 0 ? `. ${leftOut}장은 쓸 수 없었어요` : ""}`,
    spread: ["결과가 서로 같아요", "결과가 조금 달라요", "결과가 서로 달라요. 빛의 영향이 커요"],
  },
};

/**
 * @param {string} language as browsers name theirs, e.g. `ko-KR`
 * @returns {PhotosWords}
 */
export function photosWords(language) {
  return language.toLowerCase().split("-")[0] === "ko" ? PHOTOS.ko : PHOTOS.en;
}

/**
 * How far several photos are apart.
 *
 * @param {number} spread 0 to 1
 * @param {PhotosWords} words
 */
export function spreadWords(spread, words) {
  if (spread < 0.2) return words.spread[0];
  return spread < 0.5 ? words.spread[1] : words.spread[2];
}

/**
 * The words of the account.
 *
 * @typedef {object} AccountWords
 * @property {string} language
 * @property {string} title
 * @property {string} invitation
 * @property {(providers: string[]) => string} signedIn
 * @property {(provider: string) => string} continueWith
 * @property {string} signOut
 * @property {string} welcome
 * @property {string} goodbye
 * @property {string} thisDevice
 * @property {string} unknownDevice
 * @property {string} end
 * @property {(device: string) => string} endOf
 * @property {Record<string, string>} failed by the reason that the address gives
 */

/** @type {{ en: AccountWords, ko: AccountWords }} */
const ACCOUNT = {
  en: {
    language: "en",
    title: "Your account",
    invitation: "Sign in to find your results on every device. What you have now is kept.",
    signedIn: (providers) => `You are signed in with ${providers.join(", ")}.`,
    continueWith: (provider) => `Continue with ${provider}`,
    signOut: "Sign out",
    welcome: "You are signed in.",
    goodbye: "You are signed out.",
    thisDevice: "This device",
    unknownDevice: "A device",
    end: "Sign out there",
    endOf: (device) => `Sign out on ${device}`,
    failed: {
      expired: "That took too long, or began in another browser. Please try again.",
      cancelled: "You are not signed in: you turned back at the provider.",
      refused: "The provider's answer could not be accepted. Please try again.",
      unavailable: "Signing in does not work at the moment. Please try again in a minute.",
      taken: "That account belongs to somebody else here. Sign in with it instead.",
    },
  },
  ko: {
    language: "ko",
    title: "내 계정",
    invitation: "로그인하면 모든 기기에서 결과를 볼 수 있어요. 지금까지의 결과는 그대로 유지돼요.",
    signedIn: (providers) => `${providers.join(", ")} 계정으로 로그인했어요.`,
    continueWith: (provider) => `${provider} 계정으로 계속하기`,
    signOut: "로그아웃",
    welcome: "로그인했어요.",
    goodbye: "로그아웃했어요.",
    thisDevice: "이 기기",
    unknownDevice: "알 수 없는 기기",
    end: "이 기기에서 로그아웃",
    endOf: (device) => `${device}에서 로그아웃`,
    failed: {
      expired: "시간이 너무 오래 걸렸거나 다른 브라우저에서 시작했어요. 다시 시도해 주세요.",
      cancelled: "로그인을 취소했어요.",
      refused: "로그인 정보를 확인할 수 없어요. 다시 시도해 주세요.",
      unavailable: "지금은 로그인할 수 없어요. 잠시 후 다시 시도해 주세요.",
      taken: "이미 다른 계정에 연결되어 있어요. 그 계정으로 로그인해 주세요.",
    },
  },
};

/**
 * @param {string} language as browsers name theirs, e.g. `ko-KR`
 * @returns {AccountWords}
 */
export function accountWords(language) {
  return language.toLowerCase().split("-")[0] === "ko" ? ACCOUNT.ko : ACCOUNT.en;
}
