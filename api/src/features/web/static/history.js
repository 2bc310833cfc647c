// @ts-check
// The person's earlier results, newest first.

import { isFinished } from "../client/api.js";
import { adviceForAnalysis } from "./advice.js";
import { byId, icon, make, paint, show } from "./dom.js";
import { words } from "./page-words.js";
import { confidenceWords } from "./readings.js";
import { seasonColours, seasonName, subtypeName } from "./seasons.js";

/** @typedef {import("../client/api.js").Api} Api */
/** @typedef {import("../client/api.js").Analysis} Analysis */

const PAGE = 6;

export class PastResults {
  #api;
  /** @type {Map<string, Analysis>} newest first */
  #items = new Map();
  /** @type {string | null} */
  #cursor = null;
  #loading = false;
  #refreshes = 0;
  /** @type {string | null} */
  #openId = null;

  /** @param {{ api: Api }} options */
  constructor({ api }) {
    this.#api = api;
    byId("history-more").addEventListener("click", () => this.#more());
  }

  /** @param {string} id */
  find(id) {
    return this.#items.get(id) ?? null;
  }

  /** The newest analysis that is still on its way, if any. */
  get unfinished() {
    return [...this.#items.values()].find((item) => !isFinished(item)) ?? null;
  }

  /** Loads the first page again. Older pages that were open stay. */
  async refresh() {
    const fresh = this.#items.size === 0;
    const turn = ++this.#refreshes;
    const page = await this.#api.listAnalyses({ limit: PAGE });
    if (turn !== this.#refreshes) return; // a later one knows better
    const older = [...this.#items].filter(([id]) => !page.items.some((item) => item.id === id));
    this.#items = new Map([...page.items.map((item) => /** @type {const} */ ([item.id, item])), ...older]);
    if (fresh) this.#cursor = page.nextCursor;
    this.#render();
  }

  /** Tells which analysis is on show. @param {string | null} id */
  markOpen(id) {
    this.#openId = id;
    this.#render();
  }

  clear() {
    this.#refreshes += 1;
    this.#items.clear();
    this.#cursor = null;
    this.#render();
  }

  async #more() {
    if (this.#loading || !this.#cursor) return;
    this.#loading = true;
    const button = byId("history-more");
    button.textContent = words.say("loading");
    try {
      const page = await this.#api.listAnalyses({ limit: PAGE, cursor: this.#cursor });
      const first = page.items.find(({ id }) => !this.#items.has(id));
      for (const item of page.items) this.#items.set(item.id, item);
      this.#cursor = page.nextCursor;
      this.#render();
      // The keyboard goes on where the new items begin, not at the top of the page.
      const links = /** @type {NodeListOf<HTMLElement>} */ (byId("history-list").querySelectorAll("a"));
      for (const link of links) if (first && link.getAttribute("href") === `#${first.id}`) link.focus();
      button.textContent = words.say("more");
    } catch {
      button.textContent = words.say("history-failed");
    } finally {
      this.#loading = false;
    }
  }

  #render() {
    // What is being watched above is not past yet.
    const items = [...this.#items.values()].filter((item) => isFinished(item) || item.id !== this.#openId);
    show(byId("history"), items.length > 0);
    show(byId("history-link"), items.length > 0);
    show(byId("history-more"), this.#cursor !== null);
    byId("history-list").replaceChildren(...items.map((item) => renderItem(item, item.id === this.#openId)));
  }
}

/**
 * @param {Analysis} analysis
 * @param {boolean} open
 */
function renderItem(analysis, open) {
  const { title, detail } = itemWords(analysis);
  const disc = make("span", { class: "disc", "aria-hidden": "true" });
  const colours = analysis.result?.palette?.length ? analysis.result.palette : seasonColours(analysis.result?.personalColor);
  if (colours.length > 2) {
    disc.classList.add("coloured");
    paint(disc, { "--d1": colours[0], "--d2": colours[1], "--d3": colours[2], "--d4": colours[3 % colours.length] });
  }
  const time = make("time", { datetime: analysis.createdAt }, words.ago(analysis.createdAt));
  const text = make("span", { class: "history-words" }, make("strong", {}, title), make("span", { class: "quiet" }, detail, detail && " · ", time));
  return make("li", {}, make("a", { href: `#${analysis.id}`, class: "history-item", ...(open && { "aria-current": "true" }) }, disc, text, icon("icon-next")));
}

/** @param {Analysis} analysis */
function itemWords(analysis) {
  if (analysis.status === "queued") return { title: words.say("history-queued"), detail: words.say("history-open") };
  if (analysis.status === "running") return { title: words.say("history-running"), detail: words.say("history-open") };
  const { result } = analysis;
  if (!result) return { title: words.say("history-none"), detail: adviceForAnalysis(words, analysis).title };
  const title = subtypeName(words, result.subtype, result.personalColor) || seasonName(words, result.personalColor);
  return { title, detail: typeof result.confidence === "number" ? confidenceWords(words, result.confidence).title : "" };
}
