// @ts-check
// Signing in and out, and the devices on which one is signed in.

import { byId, make, show } from "./dom.js";
import { ApiError } from "../client/http.js";
import { words } from "./page-words.js";
import { idOf } from "./words.js";

/** @typedef {import("../client/api.js").Api} Api */
/** @typedef {import("../client/session.js").Session} Session */

/** What the address says after the provider's page: the part after the # that is not for an analysis. */
const RETURNED = /^#(signed-in|linked|sign-in-failed=([a-z]+))$/;

export class Account {
  #api;
  #session;
  #announce;
  #onChange;
  /** @type {{ name: string, title: string }[]} */
  #providers = [];

  /**
   * @param {object} options
   * @param {Api} options.api
   * @param {Session} options.session
   * @param {(text: string) => void} options.announce
   * @param {() => void} options.onChange somebody else is here now
   */
  constructor({ api, session, announce, onChange }) {
    this.#api = api;
    this.#session = session;
    this.#announce = announce;
    this.#onChange = onChange;
  }

  /** Ends a sign-in that the provider's page has just sent back, and shows the account where there are providers. */
  async resume() {
    const returned = RETURNED.exec(location.hash);
    if (returned) history.replaceState(history.state, "", location.pathname + location.search);
    try {
      if (returned?.[1] === "signed-in") this.#session.adopt(await this.#api.fetchSession());
      this.#providers = (await this.#api.listProviders()).items;
      await this.#render();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (returned) this.#say(words.say("sign-in-failed-unavailable"));
      return;
    }
    if (returned?.[1] === "signed-in") this.#onChange();
    const reason = returned?.[2];
    if (reason) this.#say(words.find(idOf("sign-in-failed", reason)) ?? words.say("sign-in-failed-refused"));
    else if (returned) this.#say(words.say("account-welcome"));
  }

  async #render() {
    show(byId("account"), this.#providers.length > 0);
    if (this.#providers.length === 0) return;
    const identities = this.#session.exists ? (await this.#api.listIdentities()).items : [];
    const isMember = identities.length > 0;
    byId("account-text").textContent = isMember
      ? words.say("account-signed-in", { providers: words.list(identities.map(({ provider }) => this.#title(provider))) })
      : words.say("account-invitation");
    byId("account-providers").replaceChildren(...(isMember ? [] : this.#providers.map((provider) => this.#button(provider))));
    const sessions = isMember ? (await this.#api.listSessions()).items : [];
    byId("account-sessions").replaceChildren(...sessions.map((session) => this.#device(session)));
    const out = byId("account-out");
    show(out, isMember);
    out.onclick = () => this.#signOut();
  }

  /** @param {string} name */
  #title(name) {
    return this.#providers.find((provider) => provider.name === name)?.title ?? name;
  }

  /** @param {{ name: string, title: string }} provider */
  #button({ name, title }) {
    const button = make("button", { type: "button", class: "button", "data-provider": name }, words.say("account-continue", { provider: title }));
    button.onclick = () =>
      this.#do(button, async () => {
        const { url } = await this.#api.startSignIn(name, { returnTo: location.pathname + location.search });
        location.assign(url);
      });
    return button;
  }

  /** @param {{ id: string, device: string, current: boolean, lastSeenAt: string }} session */
  #device({ id, device, current, lastSeenAt }) {
    const when = current ? words.say("account-this-device") : words.moment(lastSeenAt);
    const name = device || words.say("account-unknown-device");
    const text = make("span", { class: "history-words" }, make("strong", {}, name), make("span", { class: "quiet" }, when));
    if (current) return make("li", { class: "account-device" }, text);
    const label = words.say("account-end-of", { device: name });
    const end = make("button", { type: "button", class: "button subtle", "aria-label": label }, words.say("account-end"));
    end.onclick = () =>
      this.#do(end, async () => {
        await this.#api.endSession(id);
        await this.#render();
      });
    return make("li", { class: "account-device" }, text, end);
  }

  #signOut() {
    return this.#do(byId("account-out"), async () => {
      await this.#api.endSession("current");
      this.#session.forget();
      this.#onChange();
      await this.#render();
      this.#say(words.say("account-goodbye"));
    });
  }

  /**
   * @param {HTMLElement} button
   * @param {() => Promise<void>} work
   */
  async #do(button, work) {
    button.setAttribute("disabled", "");
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#say(words.say("sign-in-failed-unavailable"));
    } finally {
      button.removeAttribute("disabled");
    }
  }

  /** @param {string} text */
  #say(text) {
    byId("account-message").textContent = text;
    show(byId("account-message"), true);
    this.#announce(text);
  }
}
