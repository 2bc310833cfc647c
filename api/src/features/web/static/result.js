// @ts-check
// The answer: the season, its palette held up to the face, and how sure the analysis is.

import { colourName, isLight, parseHex } from "./colours.js";
import { byId, fillPortrait, icon, make, paint, show } from "./dom.js";
import { renderLooked } from "./looked.js";
import { words } from "./page-words.js";
import { confidenceWords, contrastWords, skinTone, spreadLevel, undertoneWords, warningWords } from "./readings.js";
import { seasonColours, seasonName, subtypeName } from "./seasons.js";
import { idOf } from "./words.js";

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
  const id = idOf("season", result.personalColor);
  const name = seasonName(words, result.personalColor);
  const subtype = subtypeName(words, result.subtype, result.personalColor);
  const given = (result.palette ?? []).filter((hex) => parseHex(hex));
  const palette = given.length > 0 ? given : seasonColours(result.personalColor);

  byId("result").dataset.season = result.personalColor;
  byId("result-title").textContent = name;
  byId("result-essence").textContent = [subtype, words.find(`${id}.essence`)].filter(Boolean).join(" · ");
  byId("result-about").textContent = words.find(`${id}.about`) ?? "";
  renderConfidence(result.confidence);
  renderWarnings(result.warnings ?? [], analysis.advice);
  renderPalette(palette);
  renderFacts(result, id);
  renderMeta(analysis, result);
  renderLooked(analysis, photoUrl);
  const frame = byId("result-portrait");
  fillPortrait(frame, photoUrl, { skin: result.skin?.hex, onLoad: (image) => centreOnFace(image, result.face) });

  if (typeof result.confidence !== "number") return words.say("your-season-is", { season: name });
  return words.say("your-season-is-surely", { season: name, sure: confidenceWords(words, result.confidence).title });
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
    label.textContent = hex === null ? "" : words.say(colourName(hex));
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
        make("span", { class: "swatch-name" }, words.say(colourName(hex))),
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
  const { level, title, detail } = confidenceWords(words, confidence);
  /** @type {SVGElement} */
  const gauge = byId("gauge");
  gauge.dataset.level = String(level);
  gauge.setAttribute("aria-label", words.say("confidence-step", { level }));
  byId("confidence-title").textContent = title;
  byId("confidence-detail").textContent = detail;
}

/**
 * @param {string[]} warnings
 * @param {Analysis["advice"]} advice
 */
function renderWarnings(warnings, advice) {
  const list = byId("warnings");
  const items = warnings.map((warning) => {
    const { text, language } = warningWords(words, warning, advice);
    return make("li", {}, icon("icon-note"), make("span", { lang: language ?? false }, text));
  });
  list.replaceChildren(...items);
  show(list, warnings.length > 0);
}

/**
 * @param {Result} result
 * @param {string} season the id of its messages
 */
function renderFacts({ skin, undertone, contrast, photos, spread }, season) {
  const under = undertoneWords(words, undertone);
  const against = contrastWords(words, contrast);
  /** @type {Node[]} */
  const facts = [];
  /** @param {string} term the id of a message @param {...(Node | string)} value */
  const add = (term, ...value) => facts.push(make("div", {}, make("dt", {}, words.say(term)), make("dd", {}, ...value)));
  if (skin) {
    const chip = make("span", { class: "skin-chip", "aria-hidden": "true" });
    if (parseHex(skin.hex)) paint(chip, { "--chip": skin.hex });
    add("fact-skin", chip, make("span", {}, `${words.say(skinTone(skin.ita))} `, make("span", { class: "mono" }, skin.hex)));
  }
  if (under) add("fact-undertone", make("span", {}, under.title, under.detail && make("span", { class: "quiet" }, ` ${under.detail}`)));
  if (against) add("fact-contrast", against);
  if (photos) add("fact-photos", photosWords(photos, spread));
  for (const name of ["wear", "avoid", "metal"]) {
    const text = words.find(`${season}.${name}`);
    if (text) add(`fact-${name}`, text);
  }
  byId("facts").replaceChildren(...facts);
}

/**
 * How many photos were combined, and how far they are apart.
 *
 * @param {NonNullable<Result["photos"]>} photos
 * @param {number | undefined} spread
 */
function photosWords(photos, spread) {
  const left = photos.filter((photo) => photo.leftOut).length;
  const count = photos.length - left;
  const text = left > 0 ? words.say("photos-combined-but", { count, left }) : words.say("photos-combined", { count });
  return count > 1 && typeof spread === "number" ? `${text} (${words.say(spreadLevel(spread))})` : text;
}

/**
 * @param {Analysis} analysis
 * @param {Result} result
 */
function renderMeta({ createdAt, finishedAt }, { model }) {
  const when = words.moment(finishedAt ?? createdAt);
  const name = [model?.name, model?.version].filter(Boolean).join(" ");
  byId("result-meta").textContent = name ? words.say("result-meta", { when, model: name }) : when;
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
