// @ts-check
// Notifications on this device: asked for by a click, kept registered with the server, switched off by another click.

import { byId, show } from "./dom.js";
import { words } from "./page-words.js";

/** @typedef {import("../client/api.js").Api} Api */
/** @typedef {"off" | "busy" | "on" | "blocked" | "failed"} State */

/** Whether this browser, on this address, can be pushed to at all. */
function isPushSupported() {
  return isSecureContext && "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
}

/** @param {string} text base64url */
export function decodeKey(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}

export class Notifications {
  #api;
  #announce;
  /** What this browser is called at the server. @type {string | null} */
  #id = null;
  /** Null: the server sends no pushes. @type {Promise<string | null> | null} */
  #publicKey = null;
  /** @type {State} */
  #state = "off";
  #waiting = false;

  /**
   * @param {object} options
   * @param {Api} options.api
   * @param {(text: string) => void} options.announce says something to a screen reader
   * @param {(analysisId: string) => void} options.onOpen a notification was pressed
   */
  constructor({ api, announce, onOpen }) {
    this.#api = api;
    this.#announce = announce;
    if (!isPushSupported()) return;
    byId("notify-button").addEventListener("click", () => void this.#pressed());
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data?.type === "open" && typeof data.analysisId === "string") onOpen(data.analysisId);
    });
  }

  /** Registers again what this browser is subscribed to: its address, the server's key or the session may have changed. */
  async resume() {
    if (!isPushSupported()) return;
    try {
      const registration = await navigator.serviceWorker.getRegistration("/");
      if (!(await registration?.pushManager.getSubscription())) return;
      await this.#register(/** @type {ServiceWorkerRegistration} */ (registration));
      this.#become("on");
    } catch {
      // Nothing is said before the person asks for it.
    }
  }

  /** Tells whether something is on its way that a person may want to be notified of. @param {boolean} waiting */
  async setWaiting(waiting) {
    if (waiting === this.#waiting || !isPushSupported()) return;
    this.#waiting = waiting;
    if (waiting && this.#state === "off" && (await this.#key()) === null) return;
    this.#render();
  }

  /** The server's key, asked for once; an answer that did not come is asked for again. */
  #key() {
    this.#publicKey ??= this.#api.getVapidKey({ attempts: 1 }).then(
      ({ publicKey }) => publicKey,
      () => (this.#publicKey = null),
    );
    return this.#publicKey;
  }

  async #pressed() {
    if (this.#state === "busy") return;
    const leaving = this.#state === "on";
    this.#become("busy");
    try {
      this.#become(leaving ? await this.#leave() : await this.#join());
    } catch (error) {
      console.warn(error);
      this.#become("failed");
    }
    this.#announce(byId("notify-text").textContent ?? "");
    byId(byId("notify-button").hidden ? "notify" : "notify-button").focus();
  }

  /** @returns {Promise<State>} */
  async #join() {
    // Before anything else: browsers let a page ask as part of a click only.
    const permission = await Notification.requestPermission();
    if (permission !== "granted") return permission === "denied" ? "blocked" : "off";
    await navigator.serviceWorker.register("/service-worker.js");
    await this.#register(await navigator.serviceWorker.ready);
    return "on";
  }

  /**
   * Makes sure that there is a subscription for the server's key, and that the server knows it.
   *
   * @param {ServiceWorkerRegistration} registration
   */
  async #register({ pushManager }) {
    const key = await this.#key();
    if (key === null) throw new Error("the server sends no pushes");
    const options = { userVisibleOnly: true, applicationServerKey: decodeKey(key) };
    const old = await pushManager.getSubscription();
    if (old && !isBoundTo(old, options.applicationServerKey)) await old.unsubscribe();
    const { endpoint, keys } = (await pushManager.subscribe(options)).toJSON();
    this.#id = (await this.#api.createPushSubscription({ kind: "web", endpoint, keys })).id;
  }

  /** @returns {Promise<State>} */
  async #leave() {
    const registration = await navigator.serviceWorker.getRegistration("/");
    await (await registration?.pushManager.getSubscription())?.unsubscribe();
    // Should this fail, the server finds the subscription gone at its next push.
    if (this.#id) await this.#api.deletePushSubscription(this.#id, { attempts: 1 }).catch(() => {});
    this.#id = null;
    return "off";
  }

  /** @param {State} state */
  #become(state) {
    this.#state = state;
    this.#render();
  }

  #render() {
    const button = words.find(`notify-${this.#state}.button`);
    byId("notify-text").textContent = words.say(`notify-${this.#state}`);
    byId("notify-button").textContent = button;
    show(byId("notify-button"), button !== null);
    show(byId("notify"), this.#waiting || this.#state === "on");
  }
}

/**
 * @param {PushSubscription} subscription
 * @param {Uint8Array} key
 */
function isBoundTo({ options }, key) {
  const bound = options.applicationServerKey;
  return bound === null || new Uint8Array(bound).every((byte, at) => byte === key[at]);
}
