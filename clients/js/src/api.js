// @ts-check
// The calls of the ToneUp API, each with the session's token.

import { ApiError, exchangeJson, openStream, withPatience } from "./http.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {"queued" | "running" | "succeeded" | "failed" | "cancelled" | "expired"} Status */
/** @typedef {"SPRING" | "SUMMER" | "AUTUMN" | "WINTER"} Season */
/** @typedef {{ L: number, a: number, b: number, chroma: number, hue: number, ita: number, hex: string }} Skin */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

/**
 * @typedef {object} Result
 * @property {Season} personalColor
 * @property {string | null} [subtype]
 * @property {string | null} [undertone]
 * @property {number | null} [confidence] 0 to 1
 * @property {Skin | null} [skin]
 * @property {string | number | null} [contrast]
 * @property {string[]} [palette] `#rrggbb`
 * @property {Box | null} [face]
 * @property {string[]} [warnings]
 * @property {{ name: string, version: string } | null} [model]
 * @property {boolean} [reused] the answer that the same photo got before
 */

/**
 * @typedef {object} Analysis
 * @property {string} id
 * @property {Status} status
 * @property {number} [version] grows with every change
 * @property {string} createdAt
 * @property {string | null} [startedAt]
 * @property {string | null} [finishedAt]
 * @property {number} [attempt]
 * @property {number | null} [queuePosition]
 * @property {number | null} [estimatedWaitSeconds]
 * @property {Result | null} [result]
 * @property {{ code: string, message: string, retryable: boolean } | null} [error]
 * @property {Told[]} [advice] on the error or the warnings, in the language the browser asked for
 */

/** @typedef {{ code: string, language: string, title?: string | null, text: string }} Told */

/** @typedef {{ objectKey: string, method: string, url: string, headers: Record<string, string>, expiresAt: string }} Upload */
/** @typedef {(wait: { seconds: number, error: ApiError }) => void} OnWait */
/** @typedef {{ signal?: AbortSignal, onWait?: OnWait, attempts?: number }} CallOptions */

/** @param {Analysis} analysis */
export function isFinished({ status }) {
  return status !== "queued" && status !== "running";
}

/** A random UUID, also where `crypto.randomUUID` is missing: pages opened over plain HTTP on a phone. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Api {
  #session;
  #baseUrl;
  #fetch;

  /** @param {{ session: Session, baseUrl?: string, fetch?: typeof fetch }} options */
  constructor({ session, baseUrl = "", fetch = globalThis.fetch.bind(globalThis) }) {
    this.#session = session;
    this.#baseUrl = baseUrl;
    this.#fetch = fetch;
  }

  /**
   * Asks for a place to put a photo.
   *
   * @param {{ contentType: string, contentLength: number, sha256?: string }} photo `sha256` in base64
   * @param {CallOptions} [options]
   * @returns {Promise<Upload>}
   */
  requestUpload(photo, options) {
    return this.#call("POST", "/v1/uploads", { json: photo }, options);
  }

  /**
   * Submits an uploaded photo. The same `key` gives the same analysis however often it is sent.
   *
   * @param {string} objectKey
   * @param {string} key
   * @param {CallOptions} [options]
   * @returns {Promise<Analysis>}
   */
  createAnalysis(objectKey, key, options) {
    const request = { json: { objectKey }, headers: { "idempotency-key": key } };
    return this.#call("POST", "/v1/analyses", request, options);
  }

  /**
   * Gets one analysis; with `wait`, the server holds the answer up to so many seconds until it is finished.
   *
   * @param {string} id
   * @param {CallOptions & { wait?: number }} [options]
   * @returns {Promise<Analysis>}
   */
  getAnalysis(id, { wait = 0, ...options } = {}) {
    const query = wait > 0 ? `?wait=${wait}` : "";
    const request = { timeoutMs: 15_000 + wait * 1000 };
    return this.#call("GET", `/v1/analyses/${encodeURIComponent(id)}${query}`, request, options);
  }

  /**
   * Lists the caller's analyses, newest first.
   *
   * @param {CallOptions & { cursor?: string | null, limit?: number }} [options]
   * @returns {Promise<{ items: Analysis[], nextCursor: string | null }>}
   */
  listAnalyses({ cursor, limit = 20, ...options } = {}) {
    const query = new URLSearchParams({ limit: String(limit) });
    if (cursor) query.set("cursor", cursor);
    return this.#call("GET", `/v1/analyses?${query}`, {}, options);
  }

  /**
   * Gets the key that a browser subscribes to pushes with; null where the server sends none.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<{ publicKey: string | null }>}
   */
  getVapidKey(options) {
    return this.#call("GET", "/v1/push-subscriptions/vapid-key", {}, options);
  }

  /**
   * Registers a browser's subscription for pushes. The same one again is the same registration.
   *
   * @param {{ kind: "web", endpoint?: string, keys?: Record<string, string> }} subscription
   * @param {CallOptions} [options]
   * @returns {Promise<{ id: string }>}
   */
  createPushSubscription(subscription, options) {
    return this.#call("POST", "/v1/push-subscriptions", { json: subscription }, options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  deletePushSubscription(id, options) {
    return this.#call("DELETE", `/v1/push-subscriptions/${encodeURIComponent(id)}`, {}, options);
  }

  /**
   * Opens the event stream of one analysis. Not repeated here: the watcher has its own way back.
   *
   * @param {string} id
   * @param {{ signal?: AbortSignal, lastEventId?: string }} options
   */
  openEvents(id, { signal, lastEventId }) {
    return this.#openStream(`/v1/analyses/${encodeURIComponent(id)}/events`, { signal, lastEventId });
  }

  /**
   * Opens the event stream of all of the caller's analyses. Not repeated here either.
   *
   * @param {{ signal?: AbortSignal, lastEventId?: string }} options
   */
  openAllEvents(options) {
    return this.#openStream("/v1/events", options);
  }

  /**
   * @param {string} path
   * @param {{ signal?: AbortSignal, lastEventId?: string }} options
   */
  #openStream(path, { signal, lastEventId }) {
    return this.#withToken((authorization) =>
      openStream(this.#fetch, this.#baseUrl + path, {
        method: "GET",
        headers: {
          accept: "text/event-stream",
          authorization,
          ...(lastEventId ? { "last-event-id": lastEventId } : {}),
        },
        signal,
      }),
    );
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {{ json?: unknown, headers?: Record<string, string>, timeoutMs?: number }} request
   * @param {CallOptions} [options]
   */
  #call(method, path, { json, headers, timeoutMs }, { signal, onWait, attempts } = {}) {
    const once = () =>
      this.#withToken((authorization) =>
        exchangeJson(this.#fetch, this.#baseUrl + path, {
          method,
          json,
          headers: { ...headers, authorization },
          signal,
          timeoutMs,
        }),
      );
    return withPatience(once, { signal, onWait, attempts });
  }

  /**
   * Sends with the session's token; a refused token is replaced and the request sent once more, never twice.
   *
   * @template T
   * @param {(authorization: string) => Promise<T>} send
   * @returns {Promise<T>}
   */
  async #withToken(send) {
    const token = await this.#session.accessToken();
    try {
      return await send(`Bearer ${token}`);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return send(`Bearer ${await this.#session.replace(token)}`);
    }
  }
}
