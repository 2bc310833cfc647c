// @ts-check
// A product: its colour or picture, its name and price, a heart, and why it is shown.

import { paint } from "../../dom.js";
import { seasonName } from "../../seasons.js";
import { idOf } from "../../words.js";
import { el, icon } from "../elements.js";
import { likeButton } from "./like-button.js";
import { seasonChip } from "./person.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/catalogue.js").Product} Product */
/** @typedef {import("../../../client/catalogue.js").Why} Why */
/** @typedef {import("../../../client/catalogue.js").Segment} Segment */

/**
 * @param {App} app
 * @param {Product} product
 * @param {{ why?: Why[], highlights?: { brand: Segment[], name: Segment[] } | null }} [options]
 */
export function productCard(app, product, { why = [], highlights } = {}) {
  const reason = whyText(app, why[0]);
  return el(
    "div",
    { class: "product" },
    el(
      "a",
      { class: "product-link", href: `#/product/${product.id}` },
      swatch(product),
      el("span", { class: "product-brand" }, marked(product.brand, highlights?.brand)),
      el("span", { class: "product-name" }, marked(product.name, highlights?.name)),
      el("span", { class: "product-price" }, app.words.price(product.price)),
      reason ? el("span", { class: "product-why" }, icon("icon-spark"), reason) : null,
    ),
    productHeart(app, product).element,
  );
}

/** A text with what matches marked. @param {string} text @param {Segment[] | undefined} segments */
function marked(text, segments) {
  return segments ? segments.map(({ text, isMatch }) => (isMatch ? el("mark", {}, text) : text)) : [text];
}

/** @param {App} app @param {Product} product */
export function productHeart(app, product) {
  const heart = likeButton(app, {
    of: { isLiked: product.isLiked, likes: product.likes },
    name: `${product.brand} ${product.name}`,
    send: (wanted) => app.api.catalogue.setLike(product.id, wanted),
    onStored: () => app.forget((path) => path === "/shop"),
  });
  heart.element.classList.add("product-heart");
  return heart;
}

/**
 * The picture; where it lies elsewhere, which the page's security policy does not admit, the colour itself.
 *
 * @param {Product} product
 */
export function swatch({ hex, pictures, type, brand }) {
  const [own] = pictures.filter((url) => URL.canParse(url) && new URL(url).origin === location.origin);
  const frame = el("span", { class: "swatch", "aria-hidden": true });
  if (own) frame.append(el("img", { src: own, alt: "", loading: "lazy", decoding: "async" }));
  else frame.append(el("span", { class: "swatch-cloth" }), el("span", { class: "swatch-word" }, type), el("span", { class: "visually-hidden" }, brand));
  if (hex) paint(frame, { "--cloth": hex, "--cloth-ink": isDark(hex) ? "#fff" : "#1a1614" });
  return frame;
}

/** @param {string} hex */
function isDark(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return (r * 299 + g * 587 + b * 114) / 1000 < 150;
}

/** @param {App} app @param {Why | undefined} why */
function whyText(app, why) {
  if (!why) return "";
  if (why.kind === "palette") return app.say("why-palette", { season: seasonName(app.words, why.season) });
  return app.words.find(idOf("why", why.kind)) ?? "";
}

/** The seasons that a product suits. @param {App} app @param {Product} product */
export function seasonsOf(app, { seasons }) {
  return el("span", { class: "product-seasons" }, seasons.map(({ season }) => seasonChip(app, season)));
}
