// @ts-check
// The product's page: who is here, what is open, and what every view may use.

import { Api } from "../../client/api.js";
import { ApiError } from "../../client/http.js";
import { localTokenStore, Session } from "../../client/session.js";
import { words } from "../page-words.js";
import { idOf } from "../words.js";
import { KeptViews } from "./kept-views.js";
import { Live } from "./live.js";
import { HOME, match } from "./router.js";
import { Shell } from "./shell.js";

/** @typedef {import("../../client/api.js").Profile} Profile */
/** @typedef {import("./router.js").Route} Route */

/**
 * @typedef {object} View what a view's module makes
 * @property {HTMLElement} element with a heading that can take the focus
 * @property {string} title
 * @property {() => void} [onShow] it is on the page, for the first time or again
 * @property {() => void} [onHide] another view takes its place
 * @property {() => void} [onAgain] its tab was pressed while it was open
 */
/** @typedef {(app: App, params: Record<string, string>, signal: AbortSignal) => View} MakeView `signal` ends with the view */

/** Views of a tab are opened as they were left for this long; later afresh. */
const FRESH_MS = 300_000;

export class App {
  words = words;
  session = new Session({ store: localTokenStore("toneup.session"), onLost: () => this.#someoneElse() });
  api = new Api({ session: this.session });
  /** What happens, for every view that shows it: `post`, `post-gone`, `notice`, `message` … */
  events = new EventTarget();
  live = new Live(this);
  /** @type {Promise<Profile> | null} */
  #me = null;
  #kept = new KeptViews();
  /** @type {{ path: string, view: View, leave: AbortController, openedAt: number } | null} */
  #open = null;
  #turn = 0;
  #shell = new Shell(this);

  /** @param {string} id @param {import("../words.js").Values} [values] */
  say(id, values) {
    return this.words.say(id, values);
  }

  /** The person's own profile, read once. @returns {Promise<Profile>} */
  me() {
    this.#me ??= this.api.getMe().catch((error) => {
      this.#me = null;
      throw error;
    });
    return this.#me;
  }

  /** The person's profile as it is now. @param {Profile} profile */
  setMe(profile) {
    this.#me = Promise.resolve(profile);
    this.tell("me", profile);
  }

  /**
   * Tells every view of something.
   *
   * @param {string} name
   * @param {unknown} [detail]
   */
  tell(name, detail) {
    this.events.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /**
   * Hears of something until `signal`.
   *
   * @param {string} name
   * @param {(detail: any) => void} listener
   * @param {AbortSignal} signal
   */
  hear(name, listener, signal) {
    this.events.addEventListener(name, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal });
  }

  /** What to say of an error. @param {unknown} error */
  explain(error) {
    if (!(error instanceof ApiError)) {
      console.error(error);
      return this.say("failed");
    }
    if (error.status === 0) return this.say(navigator.onLine ? "no-answer" : "offline");
    return this.words.find(idOf("error", error.code)) ?? this.say(error.status === 404 ? "gone" : "failed");
  }

  /** @param {string} text @param {{ label: string, press: () => void }} [action] */
  toast(text, action) {
    this.#shell.toast(text, action);
  }

  /** Says something to a screen reader. @param {string} text */
  announce(text) {
    this.#shell.announce(text);
  }

  /** Runs what a button asks for; says what went wrong. @param {() => Promise<unknown>} work */
  async attempt(work) {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof DOMException && error.name === "AbortError")) this.toast(this.explain(error));
      return false;
    }
  }

  /** Opens an address. @param {string} path @param {{ replace?: boolean }} [options] */
  go(path, { replace = false } = {}) {
    if (replace) history.replaceState({ key: Date.now() }, "", `#${path}`);
    else history.pushState({ key: Date.now() }, "", `#${path}`);
    void this.#addressed({ isReturn: false });
  }

  /** Forgets views that were left, so that they are read anew. @param {(path: string) => boolean} chosen */
  forget(chosen) {
    this.#kept.clear(chosen);
  }

  start() {
    history.scrollRestoration = "manual";
    this.#shell.start();
    // Fires for the back button, and for a link that changes the part after the #: that one has no state yet.
    addEventListener("popstate", () => {
      const isReturn = Boolean(history.state?.key);
      if (!isReturn) history.replaceState({ key: Date.now() }, "");
      void this.#addressed({ isReturn });
    });
    // A notification was pressed.
    navigator.serviceWorker?.addEventListener("message", ({ data }) => {
      if (data?.type === "go" && typeof data.place === "string") this.go(new URL(data.place, location.href).hash.slice(1));
    });
    void this.#addressed({ isReturn: false });
    this.live.start();
  }

  #someoneElse() {
    this.#me = null;
    this.#kept.clear();
    this.#open?.view.onHide?.();
    this.#open?.leave.abort(new DOMException("Somebody else is here", "AbortError"));
    this.#open = null;
    void this.#addressed({ isReturn: false });
    this.toast(this.say("session-ended"));
    this.live.restart();
  }

  /** @param {{ isReturn: boolean }} options */
  async #addressed({ isReturn }) {
    const route = match(location.hash) ?? match(HOME);
    if (!route) return;
    if (!match(location.hash)) history.replaceState({ key: Date.now() }, "", `#${HOME}`);
    if (this.#open?.path === route.path) {
      if (!isReturn) this.#open.view.onAgain?.();
      return;
    }
    const turn = (this.#turn += 1);
    const kept = this.#kept.find(route.path);
    const usable = kept && (isReturn || Date.now() - (this.#leftAt.get(route.path) ?? 0) < FRESH_MS);
    if (usable) return this.#show(route, kept.view, kept.leave, kept.scrollTop);
    this.#kept.forget(route.path);
    this.#shell.setLoading(true);
    const leave = new AbortController();
    try {
      /** @type {{ default: MakeView }} */
      const { default: makeView } = await import(`./views/${route.view}.js`);
      if (turn !== this.#turn) return;
      this.#show(route, makeView(this, route.params, leave.signal), leave, 0);
    } catch (error) {
      if (turn !== this.#turn) return;
      console.error(error);
      this.#shell.showBroken(() => void this.#addressed({ isReturn: false }));
    } finally {
      this.#shell.setLoading(false);
    }
  }

  /** @type {Map<string, number>} */
  #leftAt = new Map();

  /**
   * @param {Route} route
   * @param {View} view
   * @param {AbortController} leave
   * @param {number} scrollTop
   */
  #show(route, view, leave, scrollTop) {
    if (this.#open) {
      const { path, view: old, leave: oldLeave } = this.#open;
      old.onHide?.();
      this.#leftAt.set(path, Date.now());
      this.#kept.keep(path, { view: old, leave: oldLeave, scrollTop: scrollY });
    }
    for (const dialog of document.querySelectorAll("dialog")) dialog.close(); // they belong to what was open
    const isFirst = this.#open === null;
    this.#open = { path: route.path, view, leave, openedAt: Date.now() };
    this.#shell.show(view, route.tab, { isFirst });
    view.onShow?.();
    scrollTo({ top: scrollTop, behavior: "instant" });
  }
}
