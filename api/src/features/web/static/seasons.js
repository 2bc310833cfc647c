// @ts-check
// What each season means, in words.

import { humanise } from "./words.js";

/** @typedef {import("../client/api.js").Season} Season */

/**
 * @typedef {object} SeasonText
 * @property {string} name
 * @property {string} essence three words
 * @property {string} about
 * @property {string} wear
 * @property {string} avoid
 * @property {string} metal
 * @property {string[]} colours for when the analysis gives no palette
 */

/** @type {Record<Season, SeasonText>} */
export const SEASONS = {
  SPRING: {
    name: "Spring",
    essence: "Warm, light, clear",
    about: "Fresh, sunny colours bring your skin to life: think of the first warm day, new leaves and ripe peaches.",
    wear: "Coral, peach, warm turquoise, fresh green, camel and ivory",
    avoid: "Black next to the face, icy pastels, dusty grey",
    metal: "Yellow gold, light and shiny",
    colours: ["#ff8a6b", "#ffc19a", "#ffd65c", "#8ecf5a", "#3bbfb2", "#f7ead0"],
  },
  SUMMER: {
    name: "Summer",
    essence: "Cool, soft, light",
    about: "Gentle, cool colours suit you, as if seen through haze: lavender fields, sea mist and faded roses.",
    wear: "Lavender, dusty rose, powder blue, sage, raspberry and soft navy",
    avoid: "Orange, mustard, hard black and white",
    metal: "Silver, white gold, matt",
    colours: ["#c9a9d6", "#e0a3b4", "#9db8dc", "#8fb5a8", "#b0567c", "#55658c"],
  },
  AUTUMN: {
    name: "Autumn",
    essence: "Warm, rich, muted",
    about: "Deep, earthy colours make your skin glow: woods in October, spices and old leather.",
    wear: "Rust, olive, mustard, teal, chestnut and cream",
    avoid: "Fuchsia, icy blue, pure white",
    metal: "Antique gold, copper, bronze",
    colours: ["#b5532a", "#d59b2d", "#7a7b36", "#2f6b66", "#6e3b2a", "#efe0c2"],
  },
  WINTER: {
    name: "Winter",
    essence: "Cool, deep, clear",
    about: "Strong, clear colours and sharp contrasts frame your face: snow at night, holly and polished stone.",
    wear: "Black, pure white, emerald, cobalt, ruby and icy pink",
    avoid: "Beige, orange, dusty or faded tones",
    metal: "Silver, platinum, high shine",
    colours: ["#14161c", "#f5f7fb", "#0f7a5a", "#1f4fc4", "#b3123f", "#f3c9df"],
  },
};

/** @param {string | undefined | null} season */
export function seasonText(season) {
  const key = (season ?? "").toUpperCase();
  return SEASONS[/** @type {Season} */ (key)] ?? null;
}

/**
 * The subtype as a name that can stand alone: `LIGHT` of spring and `LIGHT_SPRING` both read "Light spring".
 *
 * @param {string | null | undefined} subtype
 * @param {string} seasonName
 */
export function subtypeName(subtype, seasonName) {
  if (!subtype) return "";
  const name = humanise(subtype.replace(/^MUTE(?=_|$)/i, "MUTED"));
  if (name.toLowerCase() === seasonName.toLowerCase()) return "";
  return name.toLowerCase().includes(seasonName.toLowerCase()) ? name : `${name} ${seasonName.toLowerCase()}`;
}
