// @ts-check
// The seasons: their names, and their colours where an analysis gives no palette. What each means is in the catalogue.

import { humanise } from "./advice.js";
import { idOf } from "./words.js";

/** @typedef {import("../client/api.js").Season} Season */
/** @typedef {import("./words.js").Words} Words */

/** @type {Record<Season, string[]>} */
export const SEASONS = {
  SPRING: ["#ff8a6b", "#ffc19a", "#ffd65c", "#8ecf5a", "#3bbfb2", "#f7ead0"],
  SUMMER: ["#c9a9d6", "#e0a3b4", "#9db8dc", "#8fb5a8", "#b0567c", "#55658c"],
  AUTUMN: ["#b5532a", "#d59b2d", "#7a7b36", "#2f6b66", "#6e3b2a", "#efe0c2"],
  WINTER: ["#14161c", "#f5f7fb", "#0f7a5a", "#1f4fc4", "#b3123f", "#f3c9df"],
};

/** @param {string | undefined | null} season */
export function seasonColours(season) {
  return SEASONS[/** @type {Season} */ ((season ?? "").toUpperCase())] ?? [];
}

/** @param {Words} words @param {string} season */
export function seasonName(words, season) {
  return words.find(idOf("season", season)) ?? humanise(season);
}

/**
 * The subtype as a name that can stand alone: `LIGHT` of spring and `LIGHT_SPRING` are both "Light spring".
 *
 * @param {Words} words
 * @param {string | null | undefined} subtype
 * @param {string} season
 */
export function subtypeName(words, subtype, season) {
  if (!subtype) return "";
  const [of, shade] = [season.toLowerCase(), subtype.toLowerCase().replace(/^mute(?=[_-]|$)/, "muted")];
  if (shade === of) return "";
  const whole = shade.includes(of) ? shade : `${shade}_${of}`;
  return words.find(idOf("subtype", whole)) ?? humanise(whole);
}
