// @ts-check
// A list that loads its next page when its end comes into view; with what to show while it loads, fails, or has nothing.

import { button, el, fill, show } from "../elements.js";

/** @typedef {import("../app.js").App} App */

/**
 * @template T
 * @typedef {object} ListOptions
 * @property {App} app
 * @property {AbortSignal} signal of the view
 * @property {string} label
 * @property {(cursor: string | null, signal: AbortSignal) => Promise<{ items: T[], nextCursor: string | null }>} load
 * @property {(item: T) => HTMLElement} render
 * @property {(item: T) => string} [key] what is the same twice is shown once
 * @property {() => HTMLElement} empty
 * @property {string} [className]
 * @property {"line" | "card" | "tile"} [skeleton]
 * @property {"feed" | "list"} [role]
 */

/** @template T */
export class PagedList {
  #options;
  #items;
  #state;
  #more;
  /** @type {Set<string>} */
  #keys = new Set();
  /** @type {string | null} */
  #cursor = null;
  #isLoading = false;
  /** The next page takes the place of what is there. */
  #replaces = false;
  #run = new AbortController();

  /** @param {ListOptions<T>} options */
  constructor(options) {
    const { app, signal, label, className = "", role = "list" } = options;
    this.#options = options;
    this.#items = el("div", { class: `items ${className}`, role, "aria-label": label });
    this.#state = el("div", { class: "list-state" });
    this.#more = button(app.say("more"), () => void this.#next(), { hidden: true, class: "button more" });
    this.element = el("div", { class: "paged" }, this.#items, this.#state, this.#more);
    const near = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && void this.#next(), { rootMargin: "600px" });
    near.observe(this.#more);
    signal.addEventListener("abort", () => (near.disconnect(), this.#run.abort(signal.reason)), { once: true });
    void this.reload();
  }

  /**
   * Reads it anew, from the beginning.
   *
   * @param {{ quietly?: boolean }} [options] `quietly`: what is there stays until the new is
   */
  async reload({ quietly = false } = {}) {
    this.#run.abort(new DOMException("Read anew", "AbortError"));
    this.#run = new AbortController();
    this.#isLoading = false;
    this.#cursor = null;
    this.#replaces = quietly && this.#items.childElementCount > 0;
    if (!this.#replaces) this.#clear();
    await this.#load();
  }

  #clear() {
    this.#replaces = false;
    this.#keys.clear();
    fill(this.#items);
    show(this.#more, false);
  }

  async #next() {
    if (this.#cursor !== null) await this.#load();
  }

  async #load() {
    if (this.#isLoading) return;
    const { signal } = this.#run;
    this.#isLoading = true;
    this.#items.setAttribute("aria-busy", "true");
    show(this.#more, false);
    if (!this.#replaces) fill(this.#state, skeleton(this.#options.skeleton ?? "line", this.#keys.size > 0 ? 1 : 3));
    try {
      const { items, nextCursor } = await this.#options.load(this.#cursor, signal);
      if (signal.aborted) return;
      if (this.#replaces) this.#clear();
      this.#cursor = nextCursor;
      this.#items.append(...this.#fresh(items).map((item) => this.#wrap(item)));
      fill(this.#state);
      this.#isLoading = false;
      this.#showEmpty();
      show(this.#more, nextCursor !== null);
      // A page may be shorter than the window.
      if (nextCursor !== null && items.length === 0) await this.#load();
    } catch (error) {
      if (signal.aborted) return;
      this.#isLoading = false;
      fill(this.#state, failure(this.#options.app, error, () => void this.#load()));
    } finally {
      if (!signal.aborted) this.#items.removeAttribute("aria-busy");
    }
  }

  /** @param {T[]} items */
  #fresh(items) {
    const { key } = this.#options;
    if (!key) {
      for (const at of items.keys()) this.#keys.add(`${this.#keys.size}-${at}`);
      return items;
    }
    return items.filter((item) => {
      const isNew = !this.#keys.has(key(item));
      this.#keys.add(key(item));
      return isNew;
    });
  }

  /** @param {T} item */
  #wrap(item) {
    const element = this.#options.render(item);
    if ((this.#options.role ?? "list") === "list") element.setAttribute("role", "listitem");
    const key = this.#options.key?.(item);
    if (key) element.dataset.key = key;
    return element;
  }

  #showEmpty() {
    if (this.#items.childElementCount === 0 && this.#cursor === null && !this.#isLoading) fill(this.#state, this.#options.empty());
  }

  /** Puts something new at the beginning, or at the end. @param {T} item @param {"start" | "end"} [place] */
  add(item, place = "start") {
    if (this.#fresh([item]).length === 0) return;
    fill(this.#state);
    const element = this.#wrap(item);
    if (place === "start") this.#items.prepend(element);
    else this.#items.append(element);
  }

  /** Takes something away; the focus goes to its neighbour. @param {string} key */
  remove(key) {
    const element = [...this.#items.children].find((child) => child instanceof HTMLElement && child.dataset.key === key);
    if (!(element instanceof HTMLElement)) return;
    const next = element.nextElementSibling ?? element.previousElementSibling;
    const hadFocus = element.contains(document.activeElement);
    element.remove();
    if (hadFocus && next instanceof HTMLElement) {
      next.tabIndex = -1;
      next.focus();
    }
    this.#keys.delete(key);
    this.#showEmpty();
  }
}

/** Grey shapes in place of what is on its way. @param {"line" | "card" | "tile"} kind @param {number} count */
export function skeleton(kind, count) {
  const shapes = Array.from({ length: kind === "tile" ? count * 3 : count }, () => el("div", { class: `skeleton skeleton-${kind}` }));
  return el("div", { class: `skeletons skeletons-${kind}`, "aria-hidden": true }, shapes);
}

/** What went wrong, and a button to try again. @param {App} app @param {unknown} error @param {() => void} again */
export function failure(app, error, again) {
  const text = app.explain(error);
  return el("div", { class: "state", role: "alert" }, el("p", {}, text), button(app.say("retry"), again));
}

/**
 * Nothing is here, and what to do about it.
 *
 * @param {string} title
 * @param {string} text
 * @param {{ label: string, path: string }} [action]
 */
export function emptiness(title, text, action) {
  const link = action && el("a", { class: "button primary", href: `#${action.path}` }, action.label);
  return el("div", { class: "state" }, el("h2", { class: "small-title" }, title), el("p", { class: "quiet" }, text), link);
}
