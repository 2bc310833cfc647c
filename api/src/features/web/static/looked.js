// @ts-check
// What the analysis looked at: where it measured skin, how likely each season is, and what moved the answer.

import { humanise } from "./advice.js";
import { byId, make, paint, show } from "./dom.js";
import { words } from "./page-words.js";
import { seasonName } from "./seasons.js";
import { idOf } from "./words.js";

/** @typedef {import("../client/api.js").Analysis} Analysis */
/** @typedef {import("../client/api.js").Result} Result */
/** @typedef {import("../client/api.js").Season} Season */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Fills the part "What we looked at", and hides it where the analyzer says nothing of it.
 *
 * @param {Analysis} analysis one with a result
 * @param {string | null} photoUrl the photo, when it is still in this page's memory
 */
export function renderLooked({ result, reasons }, photoUrl) {
  const { probabilities, regions = [], light } = /** @type {Result} */ (result);
  show(byId("looked"), Boolean(probabilities) || regions.length > 0);
  /** @type {HTMLDetailsElement} */ (byId("looked")).open = false;
  byId("looked-seasons").replaceChildren(...(probabilities ? seasonBars(probabilities) : []));
  byId("looked-reasons").replaceChildren(...(reasons ?? []).map(({ language, text }) => make("li", { lang: language }, text)));
  byId("looked-words").textContent = [regionWords(regions), lightWords(light)].filter(Boolean).join(" ");
  const figure = byId("looked-photo");
  figure.replaceChildren();
  show(figure, false);
  if (!photoUrl || regions.length === 0) return;
  const image = document.createElement("img");
  image.alt = words.say("looked-photo");
  image.addEventListener("load", () => drawRegions(figure, image, regions), { once: true });
  image.src = photoUrl;
}

/**
 * The seasons, the likeliest first, each with its share.
 *
 * @param {Record<Season, number>} probabilities
 */
export function seasonBars(probabilities) {
  const seasons = /** @type {[Season, number][]} */ (Object.entries(probabilities));
  return seasons
    .sort(([, one], [, other]) => other - one)
    .map(([season, share]) => {
      const meter = make("span", { class: "looked-bar", "aria-hidden": "true" });
      paint(meter, { "--share": `${Math.round(share * 100)}%`, "--season": `var(--${season.toLowerCase()})` });
      return make("li", {}, make("span", {}, seasonName(words, season)), meter, make("span", { class: "mono" }, words.percent(share)));
    });
}

/** @param {NonNullable<Result["regions"]>} regions */
function regionWords(regions) {
  const named = (/** @type {boolean} */ measured) =>
    regions.filter((one) => one.measured === measured).map(({ name }) => words.find(idOf("region", name)) ?? humanise(name));
  const [seen, hidden] = [named(true), named(false)];
  return [
    seen.length > 0 ? words.say("looked-measured", { places: words.list(seen) }) : "",
    hidden.length > 0 ? words.say("looked-hidden", { places: words.list(hidden) }) : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** @param {Result["light"]} light */
function lightWords(light) {
  if (!light) return "";
  return words.say("looked-light", { light: light.kelvin < 4300 ? "warm" : light.kelvin > 8500 ? "cool" : "daylight" });
}

/**
 * @param {HTMLElement} figure
 * @param {HTMLImageElement} image loaded
 * @param {NonNullable<Result["regions"]>} regions
 */
function drawRegions(figure, image, regions) {
  const { naturalWidth: width, naturalHeight: height } = image;
  // The outlines are in pixels of the photo as it was analysed: another size is another photo.
  const inside = regions.every(({ points }) => points.every(([x, y]) => x >= 0 && y >= 0 && x <= width && y <= height));
  if (!inside) return;
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawing.setAttribute("aria-hidden", "true");
  for (const { measured, points } of regions) {
    const outline = document.createElementNS(SVG, "polygon");
    outline.setAttribute("points", points.map(([x, y]) => `${x},${y}`).join(" "));
    outline.setAttribute("class", measured ? "" : "unmeasured");
    drawing.append(outline);
  }
  figure.replaceChildren(image, drawing);
  show(figure, true);
}
