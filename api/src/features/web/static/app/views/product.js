// @ts-check
// One product, and others like it.

import { idOf } from "../../words.js";
import { el, heading } from "../elements.js";
import { productCard, productHeart, seasonsOf, swatch } from "../parts/product-card.js";
import { emptiness, PagedList } from "../parts/list.js";
import { loadInto, view } from "../parts/single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/catalogue.js").Product} Product */

/** @type {import("../app.js").MakeView} */
export default function makeProduct(app, { id }, signal) {
  const title = app.say("product");
  const place = el("div", { class: "single" });
  const similar = el("section", { class: "similar", "aria-label": app.say("similar") });
  void loadInto({
    app,
    signal,
    place,
    load: (signal) => app.api.catalogue.get(id, { signal }),
    render: (product) => {
      similar.replaceChildren(el("h2", { class: "small-title" }, app.say("similar")), similarList(app, id, signal).element);
      return [whole(app, product)];
    },
  });
  return { element: view("product-view", heading(title), place, similar), title };
}

/** @param {App} app @param {Product} product */
function whole(app, product) {
  const fact = (/** @type {string} */ key, /** @type {Node | string | null} */ value) => (value ? [el("dt", {}, app.say(key)), el("dd", {}, value)] : []);
  return el(
    "article",
    { class: "product-whole card" },
    swatch(product),
    el(
      "div",
      { class: "product-facts" },
      el("p", { class: "product-brand" }, product.brand),
      el("h2", {}, product.name),
      el("p", { class: "product-price" }, app.words.price(product.price)),
      el("dl", {}, fact("kind", product.type), fact("colour", product.color), fact("for-whom", app.words.find(idOf("sex", product.sex))), fact("suits", product.seasons.length > 0 ? seasonsOf(app, product) : null)),
      el("div", { class: "product-acts" }, el("a", { class: "button primary", href: product.url, target: "_blank", rel: "noopener noreferrer" }, app.say("to-shop")), productHeart(app, product).element),
    ),
  );
}

/** @param {App} app @param {string} id @param {AbortSignal} signal */
function similarList(app, id, signal) {
  return new PagedList({
    app,
    signal,
    label: app.say("similar"),
    load: async (_cursor, signal) => ({ ...(await app.api.catalogue.listSimilar(id, { limit: 12, signal })), nextCursor: null }),
    render: (product) => productCard(app, product),
    key: (product) => String(product.id),
    empty: () => emptiness(app.say("nothing-found"), ""),
    className: "products",
    skeleton: "tile",
  });
}
