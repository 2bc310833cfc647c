// @ts-check
// Finds people, products and posts; what was searched for is in the address, so that one comes back to it.

import { el, heading } from "../elements.js";
import { emptiness, PagedList } from "../parts/list.js";
import { personLine } from "../parts/person.js";
import { postCard } from "../parts/post-card.js";
import { productCard } from "../parts/product-card.js";
import { SearchBox } from "../parts/search-box.js";
import { view } from "../parts/single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {"person" | "product" | "post"} Kind */
/** @typedef {{ id: string, element: HTMLElement }} Found */

/** @type {{ kind: Kind, key: string, className: string }[]} */
const KINDS = [
  { kind: "person", key: "people", className: "people-list" },
  { kind: "product", key: "products", className: "products" },
  { kind: "post", key: "posts", className: "" },
];

/** @type {Record<Kind, "line" | "card" | "tile">} */
const SKELETONS = { person: "line", product: "tile", post: "card" };

/** @type {import("../app.js").MakeView} */
export default function makeSearch(app, params, signal) {
  const title = app.say("search");
  let text = params.q ?? "";
  let kind = KINDS.find((one) => one.kind === params.kind)?.kind ?? "person";
  const place = el("div", {});
  const hint = emptiness(app.say("search-hint"), app.say("search-hint-text"));
  const search = () => {
    history.replaceState(history.state, "", text ? `#/search?${new URLSearchParams({ q: text, kind })}` : "#/search");
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.kind === kind));
    place.replaceChildren(...(text ? [results(app, text, kind, signal).element] : [hint]));
  };
  const typed = (/** @type {string} */ wanted) => {
    if (wanted === text) return;
    text = wanted;
    search();
  };
  const box = new SearchBox(app, { label: app.say("search-all"), onSearch: typed, onType: typed });
  box.text = text;
  const tabs = KINDS.map(({ kind: one, key }) => el("button", { type: "button", class: "segment", "data-kind": one, onclick: () => ((kind = one), search()) }, app.say(key)));
  const segments = el("div", { class: "segments", role: "group", "aria-label": app.say("search-where") }, tabs);
  search();
  return { element: view("search-view", heading(title), box.element, segments, place), title };
}

/** @param {App} app @param {string} text @param {Kind} kind @param {AbortSignal} signal */
function results(app, text, kind, signal) {
  /** @type {PagedList<Found>} */
  const list = new PagedList({
    app,
    signal,
    label: app.say("results"),
    load: (cursor, signal) => load(app, text, kind, cursor, signal),
    render: ({ element }) => element,
    key: ({ id }) => id,
    empty: () => emptiness(app.say("nothing-found"), app.say("nothing-found-text")),
    className: KINDS.find((one) => one.kind === kind)?.className ?? "",
    skeleton: SKELETONS[kind],
  });
  return list;
}

/**
 * @param {App} app
 * @param {string} text
 * @param {Kind} kind
 * @param {string | null} cursor
 * @param {AbortSignal} signal
 * @returns {Promise<{ items: Found[], nextCursor: string | null }>}
 */
async function load(app, text, kind, cursor, signal) {
  const options = { cursor, limit: 20, signal };
  if (kind === "product") {
    const { items, nextCursor } = await app.api.catalogue.search(text, options);
    return { items: items.map(({ product, highlights }) => ({ id: String(product.id), element: productCard(app, product, { highlights }) })), nextCursor };
  }
  if (kind === "post") {
    const { items, nextCursor } = await app.api.catalogue.searchPosts(text, options);
    return { items: items.map(({ post }) => ({ id: post.id, element: postCard(app, post, signal) })), nextCursor };
  }
  // By the beginning of the nickname: what one types of a person's name.
  const { items, nextCursor } = await app.api.people.find(text, options);
  return { items: items.map((person) => ({ id: person.id, element: personLine(app, person) })), nextCursor };
}
