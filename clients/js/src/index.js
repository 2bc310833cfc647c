// @ts-check
// The ToneUp client: a photo in, its season out. For browsers and Node.js 20; no dependencies.

import { Api } from "./api.js";
import { followAnalyses, watchAnalysis } from "./events.js";
import { memoryTokenStore, Session } from "./session.js";
import { checkPhoto, submitPhoto } from "./upload.js";

export { Api, isFinished } from "./api.js";
export { followAnalyses, watchAnalysis } from "./events.js";
export { ApiError } from "./http.js";
export { localTokenStore, memoryTokenStore, Session } from "./session.js";
export { checkPhoto, submitPhoto } from "./upload.js";

/** @typedef {import("./api.js").Analysis} Analysis */
/** @typedef {import("./api.js").Result} Result */
/** @typedef {import("./events.js").FollowOptions} FollowOptions */
/** @typedef {import("./events.js").WatchOptions} WatchOptions */
/** @typedef {import("./session.js").TokenStore} TokenStore */

/**
 * @typedef {object} AnalyzeOptions
 * @property {(analysis: Analysis) => void} [onAnalysis] told of every state on the way
 * @property {(fraction: number) => void} [onProgress] of the upload, 0 to 1
 * @property {AbortSignal} [signal] ends the waiting; the analysis goes on
 */

/** One user of one ToneUp server. A session begins when the first call needs it, and its tokens are renewed. */
export class ToneUp {
  /**
   * @param {object} [options]
   * @param {string} [options.baseUrl] the server's address; empty: the page's own
   * @param {TokenStore} [options.store] where tokens are kept: `localTokenStore(key)` outlives the page
   * @param {typeof fetch} [options.fetch]
   */
  constructor({ baseUrl = "", store = memoryTokenStore(), fetch = globalThis.fetch.bind(globalThis) } = {}) {
    const session = new Session({ store, baseUrl, fetch });
    /** Single calls. */
    this.api = new Api({ session, baseUrl, fetch });
  }

  /**
   * Uploads a photo and submits it: once this answers, the analysis is safe with the server.
   *
   * @param {Blob} photo
   * @param {AnalyzeOptions} [options]
   * @returns {Promise<Analysis>}
   * @throws {import("./http.js").ApiError}
   */
  async submit(photo, { onProgress, signal } = {}) {
    return submitPhoto(this.api, photo, { contentType: await checkPhoto(photo), onProgress, signal });
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
   * @param {Blob} photo
   * @param {AnalyzeOptions} [options]
   * @returns {Promise<Analysis>} finished: with `result`, or with `error`
   * @throws {import("./http.js").ApiError}
   */
  async analyze(photo, options = {}) {
    const { id } = await this.submit(photo, options);
    return this.watch(id, { onAnalysis: options.onAnalysis, signal: options.signal });
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
