// @ts-check
// What suits one; or what one searches for.

import { seasonName } from "../../seasons.js";
import { el, fill, heading } from "../elements.js";
import { filterChips } from "../parts/filters.js";
import { emptiness, PagedList } from "../parts/list.js";
import { productCard } from "../parts/product-card.js";
import { SearchBox } from "../parts/search-box.js";
import { view } from "../parts/single.js";

/** @typedef {import("../../../client/catalogue.js").Product} Product */
/** @typedef {Parameters<typeof productCard>[2]} Extras */
/** @typedef {import("../../../client/catalogue.js").Selection} Selection */

/** @type {import("../app.js").MakeView} */
export default function makeShop(app, _params, signal) {
  const title = app.say("shop-title");
  let text = "";
  /** @type {Selection} */
  let selection = {};
  const lede = el("p", { class: "quiet" });
  const told = el("p", { class: "quiet found-count", role: "status" });
  const fullTitle = heading(title);
  /** @type {PagedList<{ product: Product, extras: Extras }>} */
  const list = new PagedList({
    app,
    signal,
    label: title,
    load: (cursor, signal) => load(cursor, signal),
    render: ({ product, extras }) => productCard(app, product, extras),
    key: ({ product }) => String(product.id),
    empty: () => (text ? emptiness(app.say("nothing-found"), app.say("nothing-found-text")) : emptiness(app.say("shop-empty"), app.say("shop-empty-text"))),
    className: "products",
    skeleton: "tile",
  });
  /**
   * @param {string | null} cursor
   * @param {AbortSignal} signal
   * @returns {Promise<{ items: { product: Product, extras: Extras }[], nextCursor: string | null }>}
   */
  async function load(cursor, signal) {
    const options = { cursor, limit: 24, selection, signal };
    if (!text) {
      fill(told);
      const { items, nextCursor } = await app.api.catalogue.listRecommended(options);
      return { items: items.map(({ product, why }) => ({ product, extras: { why } })), nextCursor };
    }
    const { items, nextCursor, total, isLoose } = await app.api.catalogue.search(text, options);
    if (!signal.aborted) fill(told, isLoose && total > 0 ? app.say("found-loosely") : app.say("found", { count: total }));
    return { items: items.map(({ product, highlights }) => ({ product, extras: { highlights } })), nextCursor };
  }
  const search = (/** @type {string} */ wanted) => {
    if (wanted === text) return;
    text = wanted;
    void list.reload();
  };
  const box = new SearchBox(app, { label: app.say("shop-search"), onSearch: search, onType: search });
  const chips = filterChips(app, (wanted) => {
    selection = wanted;
    void list.reload();
  });
  app.me().then(
    ({ personalColor }) => {
      const season = personalColor && seasonName(app.words, personalColor);
      fill(lede, season ? app.say("shop-for", { season }) : app.say("shop-for-all"), " ", season ? null : el("a", { href: "/" }, app.say("find-season")));
    },
    () => {},
  );
  return { element: view("shop-view", fullTitle, lede, box.element, chips, told, list.element), title, onAgain: () => void list.reload() };
}
