// @ts-check
// What surrounds every view: the bar of tabs with its badges, toasts, what a screen reader is told.

import { byId } from "../dom.js";
import { button, el, fill, heading, icon, show } from "./elements.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("./app.js").View} View */

const TOAST_MS = 6000;

/** @type {{ tab: string, path: string, icon: string, key: string }[]} */
const TABS = [
  { tab: "feed", path: "/feed", icon: "icon-home", key: "tab-feed" },
  { tab: "shop", path: "/shop", icon: "icon-bag", key: "tab-shop" },
  { tab: "compose", path: "/compose", icon: "icon-plus", key: "tab-compose" },
  { tab: "chat", path: "/chat", icon: "icon-chat", key: "tab-chat" },
  { tab: "me", path: "/me", icon: "icon-person", key: "tab-me" },
];

/** @type {typeof TABS} */
const TOOLS = [
  { tab: "search", path: "/search", icon: "icon-search", key: "search" },
  { tab: "notices", path: "/notices", icon: "icon-bell", key: "notices" },
];

export class Shell {
  #app;
  /** @type {Map<string, { link: HTMLAnchorElement, badge: HTMLElement, name: string }>} */
  #links = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #toastEnd;
  /** Browsers know of a missing network only, not of one that leads nowhere. */
  #isReached = true;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
  }

  start() {
    fill(byId("tabs"), ...TABS.map((tab) => this.#link(tab)));
    fill(byId("tools"), ...TOOLS.map((tab) => this.#link(tab, true)));
    // The part after the # is the view's.
    byId("skip").addEventListener("click", (event) => {
      event.preventDefault();
      byId("main").focus();
    });
    // A click on the tab that is open changes no address.
    document.addEventListener("click", (event) => this.#clicked(event));
    this.#app.hear("badge", ({ tab, count }) => this.#setBadge(tab, count), new AbortController().signal);
    this.#app.hear("reach", (reached) => ((this.#isReached = reached), this.#network()), new AbortController().signal);
    addEventListener("online", () => this.#network());
    addEventListener("offline", () => this.#network());
    this.#network();
  }

  /** @param {(typeof TABS)[number]} tab @param {boolean} [small] */
  #link({ tab, path, icon: symbol, key }, small = false) {
    const name = this.#app.say(key);
    const badge = el("span", { class: "badge", hidden: true, "aria-hidden": true });
    const text = el("span", { class: small ? "visually-hidden" : "tab-name" }, name);
    const link = el("a", { href: `#${path}`, class: `tab tab-${tab}`, title: small ? name : null }, icon(symbol), badge, text);
    this.#links.set(tab, { link, badge, name });
    return link;
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.hash !== location.hash || !link.closest("#tabs, #tools")) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.#app.go(link.hash.slice(1), { replace: true });
  }

  #network() {
    const bar = byId("offline");
    bar.textContent = this.#app.say("offline");
    show(bar, !navigator.onLine || !this.#isReached);
  }

  /** @param {"notices" | "chat"} tab @param {number} count */
  #setBadge(tab, count) {
    const found = this.#links.get(tab);
    if (!found) return;
    const { link, badge, name } = found;
    show(badge, count > 0);
    badge.textContent = count > 99 ? "99+" : String(count);
    if (count > 0) link.setAttribute("aria-label", `${name}, ${this.#app.say("unread", { count: count })}`);
    else link.removeAttribute("aria-label");
  }

  /**
   * Puts a view in place, and the focus on its heading.
   *
   * @param {View} view
   * @param {string} tab
   * @param {{ isFirst: boolean }} options on the first view the focus stays where the browser puts it
   */
  show(view, tab, { isFirst }) {
    byId("main").replaceChildren(view.element);
    document.title = `${view.title} · ToneUp`;
    for (const [name, { link }] of this.#links) {
      if (name === tab) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (isFirst) return;
    const title = view.element.querySelector("h1");
    if (title instanceof HTMLElement) title.focus({ preventScroll: true });
    this.announce(view.title);
  }

  /** @param {boolean} loading */
  setLoading(loading) {
    byId("main").setAttribute("aria-busy", String(loading));
  }

  /** A view's files could not be read. @param {() => void} again */
  showBroken(again) {
    const { say } = { say: this.#app.say.bind(this.#app) };
    const element = el("section", { class: "state" }, heading(say("failed-title")), el("p", {}, say("no-answer")), button(say("retry"), again));
    byId("main").replaceChildren(element);
  }

  /** @param {string} text */
  announce(text) {
    const status = byId("status");
    status.textContent = "";
    // A change that a screen reader hears even where the text is the same.
    requestAnimationFrame(() => (status.textContent = text));
  }

  /** @param {string} text @param {{ label: string, press: () => void }} [action] */
  toast(text, action) {
    const toast = byId("toast");
    clearTimeout(this.#toastEnd);
    const close = () => show(toast, false);
    const press = action && button(action.label, () => (close(), action.press()), { class: "toast-button" });
    fill(toast, el("p", {}, text), press, button(this.#app.say("close"), close, { icon: "icon-close", iconOnly: true }));
    show(toast, true);
    if (!action) this.#toastEnd = setTimeout(close, TOAST_MS);
  }
}
