// @ts-check
// Which words a number or a code of a result gets. No DOM, no network.

import { humanise, sentence } from "./advice.js";
import { idOf } from "./words.js";

/** @typedef {import("../client/api.js").Analysis} Analysis */
/** @typedef {import("./words.js").Words} Words */

/**
 * Where a waiting photo stands, in a line for the eye and the ear.
 *
 * @param {Words} words
 * @param {Pick<Analysis, "queuePosition" | "estimatedWaitSeconds">} analysis
 * @returns {{ title: string, detail: string }}
 */
export function queueWords(words, { queuePosition, estimatedWaitSeconds }) {
  const detail = typeof estimatedWaitSeconds === "number" ? words.say("queue-left", { duration: words.duration(estimatedWaitSeconds) }) : "";
  if (typeof queuePosition !== "number") return { title: words.say("queue"), detail };
  return { title: queuePosition <= 1 ? words.say("queue-next") : words.say("queue-place", { place: queuePosition }), detail };
}

/**
 * How clearly a photo points to one season, in four steps. Confidence is the analysis's own certainty and has not been
 * checked against people whose season is known: no percentage is shown, and a leaning is called a leaning.
 *
 * @param {Words} words
 * @param {number} confidence 0 to 1; with four seasons, 0.25 says nothing
 * @returns {{ level: 1 | 2 | 3 | 4, title: string, detail: string }}
 */
export function confidenceWords(words, confidence) {
  const level = confidence >= 0.8 ? 4 : confidence >= 0.6 ? 3 : confidence >= 0.4 ? 2 : 1;
  return { level, title: words.say(`confidence-${level}.title`), detail: words.say(`confidence-${level}`) };
}

/**
 * Undertone in words, with what it means.
 *
 * @param {Words} words
 * @param {string | null | undefined} undertone
 */
export function undertoneWords(words, undertone) {
  if (!undertone) return null;
  const known = ["undertone-neutral-warm", "undertone-neutral-cool", "undertone-neutral", "undertone-warm", "undertone-cool", "undertone-olive"];
  const id = known.find((one) => idOf("undertone", undertone).startsWith(one));
  return id ? { title: words.say(id), detail: words.say(`${id}.about`) } : { title: humanise(undertone), detail: "" };
}

/**
 * Skin tone from the individual typology angle (Chardon et al. 1991), in degrees.
 *
 * @param {number} ita
 * @returns {string} the id of a message
 */
export function skinTone(ita) {
  if (ita > 55) return "skin-very-light";
  if (ita > 41) return "skin-light";
  if (ita > 28) return "skin-medium";
  if (ita > 10) return "skin-tan";
  if (ita > -30) return "skin-brown";
  return "skin-deep";
}

/**
 * Contrast between skin and brows.
 *
 * @param {number} contrast a difference in lightness, 0 to 100
 * @returns {string} the id of a message
 */
export function contrastLevel(contrast) {
  if (contrast < 22) return "contrast-soft";
  return contrast < 38 ? "contrast-medium" : "contrast-strong";
}

/**
 * @param {Words} words
 * @param {string | number | null | undefined} contrast a number, or a word already
 */
export function contrastWords(words, contrast) {
  if (typeof contrast === "string" && contrast) return words.find(idOf("contrast", contrast)) ?? humanise(contrast);
  return typeof contrast === "number" && Number.isFinite(contrast) ? words.say(contrastLevel(contrast)) : null;
}

/**
 * How far several photos are apart.
 *
 * @param {number} spread 0 to 1
 * @returns {string} the id of a message
 */
export function spreadLevel(spread) {
  if (spread < 0.2) return "spread-small";
  return spread < 0.5 ? "spread-medium" : "spread-large";
}

/**
 * A warning in words: ours, or else the API's, or else what the code itself says.
 *
 * @param {Words} words
 * @param {string} warning a code, or a sentence already
 * @param {Analysis["advice"]} advice
 * @returns {{ text: string, language?: string }} `language` where it may not be the page's
 */
export function warningWords(words, warning, advice) {
  const known = words.find(idOf("warning", warning.replace(/^COLOR_/i, "COLOUR_")));
  if (known !== null) return { text: known };
  const told = advice?.find(({ code }) => code === warning);
  if (told) return { text: told.text, language: told.language };
  return { text: /\s/.test(warning) ? sentence(warning) : humanise(warning), language: "en" };
}
