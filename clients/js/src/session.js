// @ts-check
// Who the person is to the server: a guest session, made when first needed, its tokens kept and renewed.

import { ApiError, baseAddress, exchangeJson } from "./http.js";

/** @typedef {{ userId: string, accessToken: string, refreshToken: string, expiresAtMs: number }} Tokens */

/**
 * @typedef {object} TokenStore
 * @property {() => Tokens | null} read
 * @property {(tokens: Tokens | null) => void} write
 */

/**
 * Keeps tokens in `localStorage`; in memory where that is denied (private windows, blocked storage).
 *
 * @param {string} key
 * @returns {TokenStore}
 */
export function localTokenStore(key) {
  /** @type {Tokens | null} */
  let memory = null;
  return {
    // Read afresh each time: another tab may have renewed the tokens.
    read() {
      try {
        const kept = JSON.parse(localStorage.getItem(key) ?? "null");
        return kept?.accessToken && kept?.refreshToken ? kept : memory;
      } catch {
        return memory;
      }
    },
    write(tokens) {
      memory = tokens;
      try {
        if (tokens) localStorage.setItem(key, JSON.stringify(tokens));
        else localStorage.removeItem(key);
      } catch {
        // Memory will do until the page is closed.
      }
    },
  };
}

/**
 * Keeps tokens for as long as the program runs.
 *
 * @returns {TokenStore}
 */
export function memoryTokenStore() {
  /** @type {Tokens | null} */
  let kept = null;
  return { read: () => kept, write: (tokens) => void (kept = tokens) };
}

/**
 * Runs `work` while no other tab does. Two tabs that use the same refresh token get the same answer, but one request is enough.
 *
 * @param {() => Promise<Tokens>} work
 * @returns {Promise<Tokens>}
 */
async function alone(work) {
  const locks = globalThis.navigator?.locks;
  return locks ? await locks.request("toneup-session", work) : work();
}

/** Tokens this close to their end are renewed before they are used. */
const MARGIN_MS = 60_000;

export class Session {
  /** @type {Promise<Tokens> | null} */
  #pending = null;
  #fetch;
  #baseUrl;
  #store;
  #now;
  #onLost;

  /**
   * @param {object} options
   * @param {TokenStore} options.store
   * @param {string | URL} [options.baseUrl]
   * @param {typeof fetch} [options.fetch]
   * @param {() => number} [options.now]
   * @param {() => void} [options.onLost] the server no longer knows the old session; a new one has begun
   */
  constructor({ store, baseUrl = "", fetch = globalThis.fetch.bind(globalThis), now = Date.now, onLost = () => {} }) {
    this.#fetch = fetch;
    this.#baseUrl = baseAddress(baseUrl);
    this.#store = store;
    this.#now = now;
    this.#onLost = onLost;
  }

  /** True when this browser has been here before. */
  get exists() {
    return this.#store.read() !== null;
  }

  /**
   * Returns an access token that is good for at least a moment, starting or renewing the session if need be.
   *
   * @returns {Promise<string>}
   * @throws {ApiError}
   */
  async accessToken() {
    const tokens = this.#store.read();
    if (tokens && tokens.expiresAtMs - this.#now() > MARGIN_MS) return tokens.accessToken;
    try {
      return (await this.#renew(tokens)).accessToken;
    } catch (error) {
      // Renewing early failed; what is left of the old token still serves.
      if (error instanceof ApiError && tokens && tokens.expiresAtMs > this.#now()) return tokens.accessToken;
      throw error;
    }
  }

  /**
   * Replaces an access token that the server refused. Calls made together share one renewal.
   *
   * @param {string} refused
   * @returns {Promise<string>}
   * @throws {ApiError}
   */
  async replace(refused) {
    const tokens = this.#store.read();
    if (tokens && tokens.accessToken !== refused) return tokens.accessToken;
    return (await this.#renew(tokens)).accessToken;
  }

  /**
   * Goes on with a session that the server began otherwise: by signing in.
   *
   * @param {{ userId: string, accessToken: string, refreshToken: string, expiresIn: number }} answer
   */
  adopt(answer) {
    this.#keep(answer);
  }

  /** Forgets the session; the next call begins another. */
  forget() {
    this.#store.write(null);
  }

  /** @param {Tokens | null} old */
  #renew(old) {
    this.#pending ??= alone(() => this.#renewNow(old)).finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  /**
   * @param {Tokens | null} old
   * @returns {Promise<Tokens>}
   */
  async #renewNow(old) {
    const current = this.#store.read();
    if (current && current.accessToken !== old?.accessToken) return current; // another tab was faster
    if (!current) return this.#keep(await this.#post("/v1/sessions/guest", {}));
    try {
      return this.#keep(await this.#post("/v1/sessions/refresh", { refreshToken: current.refreshToken }));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      const fresh = this.#keep(await this.#post("/v1/sessions/guest", {}));
      queueMicrotask(this.#onLost); // what it throws is its own: several calls share this renewal
      return fresh;
    }
  }

  /**
   * @param {string} path
   * @param {object} json
   */
  #post(path, json) {
    return exchangeJson(this.#fetch, this.#baseUrl + path, { method: "POST", json });
  }

  /**
   * @param {any} answer
   * @returns {Tokens}
   */
  #keep({ userId, accessToken, refreshToken, expiresIn }) {
    const tokens = { userId, accessToken, refreshToken, expiresAtMs: this.#now() + expiresIn * 1000 };
    this.#store.write(tokens);
    return tokens;
  }
}
