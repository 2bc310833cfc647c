// @ts-check
// The answer: the season, its palette held up to the face, and how sure the analysis is.

import { colourName, isLight, parseHex } from "./colours.js";
import { byId, fillPortrait, icon, make, paint, show } from "./dom.js";
import { renderLooked } from "./looked.js";
import { seasonText, subtypeName } from "./seasons.js";
import { confidenceWords, contrastWords, humanise, inTheirLanguage, photosWords, skinToneWords, spreadWords, undertoneWords, warningWords } from "./words.js";

/** @typedef {import("../client/api.js").Analysis} Analysis */
/** @typedef {import("../client/api.js").Result} Result */
/** @typedef {import("../client/api.js").Box} Box */

/**
 * Fills the result card.
 *
 * @param {Analysis} analysis one with a result
 * @param {string | null} photoUrl the photo, when it is still in this page's memory
 * @returns {string} the answer in one sentence
 */
export function renderResult(analysis, photoUrl) {
  const result = /** @type {Result} */ (analysis.result);
  const text = seasonText(result.personalColor);
  const name = text?.name ?? humanise(result.personalColor);
  const subtype = subtypeName(result.subtype, name);
  const given = (result.palette ?? []).filter((hex) => parseHex(hex));
  const palette = given.length > 0 ? given : (text?.colours ?? []);

  byId("result").dataset.season = result.personalColor;
  byId("result-title").textContent = name;
  byId("result-essence").textContent = [subtype, text?.essence].filter(Boolean).join(" · ");
  byId("result-about").textContent = text?.about ?? "";
  renderConfidence(result.confidence);
  renderWarnings(result.warnings ?? [], analysis.advice);
  renderPalette(palette);
  renderFacts(result, text);
  renderMeta(analysis, result);
  renderLooked(analysis, photoUrl);
  const frame = byId("result-portrait");
  fillPortrait(frame, photoUrl, { skin: result.skin?.hex, onLoad: (image) => centreOnFace(image, result.face) });

  const sure = typeof result.confidence === "number" ? ` ${confidenceWords(result.confidence).title}.` : "";
  return `Your season is ${name}.${sure}`;
}

/**
 * Themes an element with a palette: `--p1` to `--p5`, repeated when there are fewer colours.
 *
 * @param {HTMLElement} element
 * @param {string[]} palette
 */
export function paintPalette(element, palette) {
  if (palette.length === 0) return;
  for (let at = 0; at < 5; at += 1) paint(element, { [`--p${at + 1}`]: palette[at % palette.length] });
}

/** @param {string[]} palette */
function renderPalette(palette) {
  const drape = byId("drape");
  paintPalette(drape, palette);
  paintPalette(document.body, palette);
  const label = byId("drape-label");
  /** @param {string | null} hex */
  const hold = (hex) => {
    drape.classList.toggle("held", hex !== null);
    if (hex !== null) paint(drape, { "--held": hex, "--held-ink": isLight(hex) ? "#1c1714" : "#ffffff" });
    label.textContent = hex === null ? "" : colourName(hex);
    for (const button of byId("palette").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.hex === hex));
    }
  };
  byId("palette").replaceChildren(
    ...palette.map((hex) => {
      const button = make(
        "button",
        { type: "button", class: "swatch", "data-hex": hex, "aria-pressed": "false" },
        make("span", { class: "chip", "aria-hidden": "true" }),
        make("span", { class: "swatch-name" }, colourName(hex)),
        make("span", { class: "swatch-hex" }, hex.toLowerCase()),
      );
      paint(button, { "--chip": hex });
      button.addEventListener("click", () => hold(button.getAttribute("aria-pressed") === "true" ? null : hex));
      return make("li", {}, button);
    }),
  );
  hold(null);
}

/** @param {number | null | undefined} confidence */
function renderConfidence(confidence) {
  const known = typeof confidence === "number";
  show(byId("confidence"), known);
  if (!known) return;
  const words = confidenceWords(confidence);
  /** @type {SVGElement} */
  const gauge = byId("gauge");
  gauge.dataset.level = String(words.level);
  gauge.setAttribute("aria-label", `Step ${words.level} of 4`);
  byId("confidence-title").textContent = words.title;
  byId("confidence-detail").textContent = words.detail;
}

/**
 * @param {string[]} warnings
 * @param {Analysis["advice"]} advice
 */
function renderWarnings(warnings, advice) {
  const list = byId("warnings");
  const items = warnings.map((warning) => {
    const told = inTheirLanguage(advice, warning);
    const words = told ? make("span", { lang: told.language }, told.text) : make("span", {}, warningWords(warning));
    return make("li", {}, icon("icon-note"), words);
  });
  list.replaceChildren(...items);
  show(list, warnings.length > 0);
}

/**
 * @param {Result} result
 * @param {import("./seasons.js").SeasonText | null} text
 */
function renderFacts({ skin, undertone, contrast, photos, spread }, text) {
  const under = undertoneWords(undertone);
  const against = contrastWords(contrast);
  /** @type {Node[]} */
  const facts = [];
  /** @param {string} term @param {...(Node | string)} value */
  const add = (term, ...value) => facts.push(make("div", {}, make("dt", {}, term), make("dd", {}, ...value)));
  if (skin) {
    const chip = make("span", { class: "skin-chip", "aria-hidden": "true" });
    if (parseHex(skin.hex)) paint(chip, { "--chip": skin.hex });
    add("Your skin", chip, make("span", {}, `${skinToneWords(skin.ita)} `, make("span", { class: "mono" }, skin.hex)));
  }
  if (under) add("Undertone", make("span", {}, under.title, under.detail && make("span", { class: "quiet" }, ` ${under.detail}`)));
  if (against) add("Contrast", against);
  if (photos) facts.push(photosFact(photos, spread));
  if (text) {
    add("Wear", text.wear);
    add("Go easy on", text.avoid);
    add("Metal", text.metal);
  }
  byId("facts").replaceChildren(...facts);
}

/**
 * How many photos were combined, and how far they are apart.
 *
 * @param {NonNullable<Result["photos"]>} photos
 * @param {number | undefined} spread
 */
function photosFact(photos, spread) {
  const words = photosWords(navigator.language);
  const leftOut = photos.filter((photo) => photo.leftOut).length;
  const counted = photos.length - leftOut;
  const text = words.combined(counted, leftOut);
  const apart = counted > 1 && typeof spread === "number" ? ` (${spreadWords(spread, words)})` : "";
  return make("div", { lang: words.language }, make("dt", {}, words.fact), make("dd", {}, text + apart));
}

/**
 * @param {Analysis} analysis
 * @param {Result} result
 */
function renderMeta({ createdAt, finishedAt }, { model }) {
  const when = new Date(finishedAt ?? createdAt);
  const date = Number.isNaN(when.getTime()) ? "" : when.toLocaleString(undefined, { dateStyle: "long", timeStyle: "short" });
  const by = model?.name ? `read by ${model.name}${model.version ? ` ${model.version}` : ""}` : "";
  byId("result-meta").textContent = [date, by].filter(Boolean).join(", ");
}

/**
 * Moves the photo in its round frame so that the face fills it. Boxes come in pixels of the upright photo or as
 * shares of it; one that does not fit the photo is left alone.
 *
 * @param {HTMLImageElement} image
 * @param {Box | null | undefined} face
 */
function centreOnFace(image, face) {
  const { naturalWidth: width, naturalHeight: height } = image;
  if (!face || !width || !height || !(face.width > 0)) return;
  const shares = face.width <= 1 && face.height <= 1;
  const [x, y] = shares ? [face.x * width, face.y * height] : [face.x, face.y];
  const [w, h] = shares ? [face.width * width, face.height * height] : [face.width, face.height];
  if (x + w > width * 1.1 || y + h > height * 1.1) return;
  // A square around the face with room for hair and neck, kept inside the photo.
  const side = Math.min(width, height, Math.max(w, h) * 1.9);
  const left = Math.min(Math.max(0, x + w / 2 - side / 2), width - side);
  const top = Math.min(Math.max(0, y + h / 2 - side * 0.52), height - side);
  image.classList.add("centred");
  paint(image, {
    "--photo-width": `${(width / side) * 100}%`,
    "--photo-left": `${(-left / side) * 100}%`,
    "--photo-top": `${(-top / side) * 100}%`,
  });
}
