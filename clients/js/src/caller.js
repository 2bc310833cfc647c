// @ts-check
// Calls of the API: each with the session's token, a bound on its time, and patience with a busy server.

import { abortable, ApiError, baseAddress, exchangeJson, openStream, withPatience } from "./http.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {(wait: { seconds: number, error: ApiError }) => void} OnWait */
/** @typedef {{ signal?: AbortSignal, onWait?: OnWait, attempts?: number }} CallOptions `attempts`: 4 if nothing else is said */
/** @typedef {{ signal?: AbortSignal, lastEventId?: string, timeoutMs?: number }} StreamOptions `timeoutMs` until the headers */
/** @typedef {{ json?: unknown, headers?: Record<string, string>, cookies?: boolean, timeoutMs?: number }} Request */
/** @typedef {CallOptions & { cursor?: string | null, limit?: number }} PageOptions */

export class Caller {
  #session;
  #fetch;

  /** @param {{ session: Session, baseUrl?: string | URL, fetch?: typeof fetch }} options */
  constructor({ session, baseUrl = "", fetch }) {
    this.#session = session;
    /** The server's address, without a slash at its end. */
    this.baseUrl = baseAddress(baseUrl);
    this.#fetch = fetch ?? globalThis.fetch.bind(globalThis);
  }

  /**
   * Calls with the session's token.
   *
   * @param {string} method
   * @param {string} path
   * @param {Request} request
   * @param {CallOptions} [options]
   * @returns {Promise<any>} the JSON of the answer; null for an empty one
   * @throws {ApiError}
   */
  call(method, path, { json, headers, cookies, timeoutMs }, { signal, onWait, attempts } = {}) {
    const send = (/** @type {string} */ authorization) =>
      exchangeJson(this.#fetch, this.baseUrl + path, {
        method,
        json,
        headers: { ...headers, authorization },
        cookies,
        signal,
        timeoutMs,
      });
    return withPatience(() => this.withToken(send, signal), { signal, onWait, attempts });
  }

  /**
   * Gets a page of a list.
   *
   * @param {string} path
   * @param {PageOptions & { query?: Record<string, string | number | null | undefined> }} [options] `query`: what is empty is left out
   * @returns {Promise<any>}
   * @throws {ApiError}
   */
  page(path, { cursor, limit, query = {}, ...options } = {}) {
    const asked = Object.entries({ ...query, limit, cursor }).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const text = new URLSearchParams(asked.map(([name, value]) => [name, String(value)]));
    return this.call("GET", asked.length > 0 ? `${path}?${text}` : path, {}, options);
  }

  /**
   * Calls what is open to all, without a session.
   *
   * @param {string} method
   * @param {string} path
   * @param {{ json?: unknown, cookies?: boolean }} request
   * @param {CallOptions} [options]
   * @returns {Promise<any>}
   * @throws {ApiError}
   */
  open(method, path, { json, cookies }, { signal, onWait, attempts } = {}) {
    const send = () => exchangeJson(this.#fetch, this.baseUrl + path, { method, json, cookies, signal });
    return withPatience(send, { signal, onWait, attempts });
  }

  /**
   * Opens an event stream. Not repeated here: whoever reads it has a way back of their own.
   *
   * @param {string} path
   * @param {StreamOptions} options
   */
  openStream(path, { signal, lastEventId, timeoutMs }) {
    const send = (/** @type {string} */ authorization) =>
      openStream(this.#fetch, this.baseUrl + path, {
        method: "GET",
        headers: {
          accept: "text/event-stream",
          authorization,
          ...(lastEventId ? { "last-event-id": lastEventId } : {}),
        },
        signal,
        timeoutMs,
      });
    return this.withToken(send, signal);
  }

  /**
   * Sends with the session's token; a refused token is replaced and the request sent once more, never twice.
   *
   * @template T
   * @param {(authorization: string) => Promise<T>} send
   * @param {AbortSignal} [signal]
   * @returns {Promise<T>}
   * @throws {ApiError}
   */
  async withToken(send, signal) {
    const token = await abortable(this.#session.accessToken(), signal);
    try {
      return await send(`Bearer ${token}`);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      return send(`Bearer ${await abortable(this.#session.replace(token), signal)}`);
    }
  }
}
