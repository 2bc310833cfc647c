// @ts-check
// The ToneUp client: a photo in, its season out. For browsers and Node.js 20; no dependencies.

import { Api } from "./api.js";
import { watchAnalysis } from "./events.js";
import { followAnalyses } from "./follow.js";
import { baseAddress } from "./http.js";
import { memoryTokenStore, Session } from "./session.js";
import { checkPhoto, submitPhotos } from "./upload.js";

export { Api, isFinished } from "./api.js";
export { watchAnalysis } from "./events.js";
export { followAnalyses } from "./follow.js";
export { followNotices } from "./follow-notices.js";
export { ApiError } from "./http.js";
export { localTokenStore, memoryTokenStore, Session } from "./session.js";
export { checkPhoto, submitPhoto, submitPhotos } from "./upload.js";

/** @typedef {import("./api.js").Analysis} Analysis */
/** @typedef {import("./api.js").CallOptions} CallOptions */
/** @typedef {import("./api.js").Result} Result */
/** @typedef {import("./api.js").Season} Season */
/** @typedef {import("./api.js").Status} Status */
/** @typedef {import("./events.js").Connection} Connection */
/** @typedef {import("./events.js").WatchOptions} WatchOptions */
/** @typedef {import("./follow.js").FollowOptions} FollowOptions */
/** @typedef {import("./session.js").Tokens} Tokens */
/** @typedef {import("./session.js").TokenStore} TokenStore */
/** @typedef {import("./upload.js").SubmitOptions} SubmitOptions */

/**
 * @typedef {object} AnalyzeExtras
 * @property {(analysis: Analysis) => unknown} [onAnalysis] told of every state on the way
 * @property {AbortSignal} [signal] ends the waiting; the analysis goes on, unless it is withdrawn with `cancel`
 */
/** @typedef {SubmitOptions & AnalyzeExtras} AnalyzeOptions */

/** One user of one ToneUp server. A session begins when the first call needs it, and its tokens are renewed. */
export class ToneUp {
  /**
   * @param {object} [options]
   * @param {string | URL} [options.baseUrl] the server's address; empty, in a page: the page's own
   * @param {TokenStore} [options.store] where tokens are kept: `localTokenStore(key)` outlives the page
   * @param {typeof fetch} [options.fetch] used for everything, uploads too
   * @throws {TypeError} where `baseUrl` is no address
   */
  constructor({ baseUrl = "", store = memoryTokenStore(), fetch } = {}) {
    if (!globalThis.location && !fetch && !/^http/i.test(baseAddress(baseUrl))) {
      throw new TypeError("baseUrl: expected the server's address, as there is no page whose own it could be");
    }
    const session = new Session({ store, baseUrl, fetch });
    /** Single calls. @type {import("./api.js").Api} */
    this.api = new Api({ session, baseUrl, fetch });
  }

  /**
   * Uploads a photo and submits it, or up to five of one person in one analysis: once this answers, it is safe with the server.
   *
   * @param {Blob | Blob[]} photos best in different light
   * @param {SubmitOptions} [options]
   * @returns {Promise<Analysis>}
   * @throws {import("./http.js").ApiError}
   */
  async submit(photos, options = {}) {
    const checked = [photos].flat().map(async (photo) => ({ photo, contentType: await checkPhoto(photo) }));
    return submitPhotos(this.api, await Promise.all(checked), options);
  }

  /**
   * Watches an analysis to its end, over broken lines and restarts.
   *
   * @param {string} id
   * @param {Partial<WatchOptions>} [options]
   * @returns {Promise<Analysis>}
   * @throws {import("./http.js").ApiError}
   */
  watch(id, { onAnalysis = () => {}, ...options } = {}) {
    return watchAnalysis(this.api, id, { onAnalysis, ...options });
  }

  /**
   * Uploads, submits and watches.
   *
   * @param {Blob | Blob[]} photos one, or up to five of one person
   * @param {AnalyzeOptions} [options]
   * @returns {Promise<Analysis>} finished: with `result`, or with `error`
   * @throws {import("./http.js").ApiError}
   */
  async analyze(photos, options = {}) {
    const { id } = await this.submit(photos, options);
    return this.watch(id, { onAnalysis: options.onAnalysis, signal: options.signal });
  }

  /**
   * Withdraws an analysis: it ends as `cancelled`, for everybody who watches it.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Analysis>}
   * @throws {import("./http.js").ApiError} `already_finished` when it has ended otherwise
   */
  cancel(id, options) {
    return this.api.cancelAnalysis(id, options);
  }

  /**
   * Tells of every analysis of this user until `signal`; see `FollowOptions` for taking it up again.
   *
   * @param {FollowOptions} options
   * @returns {Promise<void>}
   * @throws {import("./http.js").ApiError}
   */
  follow(options) {
    return followAnalyses(this.api, options);
  }
}
