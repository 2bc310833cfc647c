// @ts-check
// Watches one analysis to its end: by a stream of server-sent events that is taken up again where it broke off, and by long
// polls where streams do not get through.

import { isFinished } from "./api.js";
import { ApiError } from "./http.js";
import { DEFAULT_RETRY_MS, mayPass, Reconnect } from "./reconnect.js";
import { firstByteMs, parseAnalysis, readEvents } from "./stream.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Analysis} Analysis */
/** @typedef {"live" | "polling" | "reconnecting"} Connection */
/** @typedef {{ analysis: Analysis } | { connection: Connection }} News */

/**
 * @typedef {object} WatchOptions
 * @property {(analysis: Analysis) => unknown} onAnalysis never called with an older state after a newer one
 * @property {(connection: Connection) => unknown} [onConnection]
 * @property {AbortSignal} [signal]
 * @property {EventTarget} [wake] fires `wake` when a pause has lost its reason, e.g. the network is back
 * @property {() => number} [random]
 * @property {number} [silenceMs] a stream that says nothing for so long is given up
 */

/** After so many broken streams in a row the watcher polls for a round, then tries the stream again. */
const STREAM_FAILURES = 2;
const POLLS_PER_ROUND = 3;
const POLL_WAIT_SECONDS = 20;

/**
 * Tells of every change of an analysis until it is finished. Rides out broken lines, restarts and busy servers; ends
 * early only by `signal`, when the server's answer shows that trying again would not help, or with what a callback throws.
 * A callback that returns a promise is waited for.
 *
 * @param {Api} api
 * @param {string} id
 * @param {WatchOptions} options
 * @returns {Promise<Analysis>} the finished analysis
 * @throws {ApiError} 403, 404 and their like
 */
export async function watchAnalysis(api, id, { onAnalysis, onConnection, ...options }) {
  /** @type {Analysis | undefined} */
  let last;
  // Callbacks run here alone, outside of everything that takes an error for one of the network.
  for await (const news of new Watcher(api, id, options).run()) {
    if ("analysis" in news) await onAnalysis((last = news.analysis));
    else await onConnection?.(news.connection);
  }
  return /** @type {Analysis} */ (last);
}

class Watcher {
  /** @type {Analysis | null} */
  #last = null;
  #lastEventId = "";
  /** Broken streams since the last good news. */
  #streamFailures = 0;
  #reconnect;
  #api;
  #id;
  #options;

  /**
   * @param {Api} api
   * @param {string} id
   * @param {Omit<WatchOptions, "onAnalysis" | "onConnection">} options
   */
  constructor(api, id, options) {
    this.#api = api;
    this.#id = id;
    this.#options = options;
    this.#reconnect = new Reconnect(options);
  }

  /** @returns {AsyncGenerator<News, void, void>} */
  async *run() {
    while (!this.#ended) {
      try {
        yield* this.#stream();
        if (!this.#ended) await this.#reconnect.afterStream();
      } catch (error) {
        this.#streamFailures += 1;
        yield* this.#recover(error);
      }
      if (!this.#ended && this.#streamFailures >= STREAM_FAILURES) yield* this.#pollForARound();
    }
  }

  get #ended() {
    return this.#last !== null && isFinished(this.#last);
  }

  /**
   * Reads one stream to its end, and throws unless it ended well: cleanly, after at least one event.
   *
   * @returns {AsyncGenerator<News, void, void>}
   */
  async *#stream() {
    const { signal, silenceMs } = this.#options;
    let heard = false;
    let told = false;
    try {
      const opening = { signal, lastEventId: this.#lastEventId, timeoutMs: firstByteMs(silenceMs) };
      const stream = await this.#api.openEvents(this.#id, opening);
      for await (const piece of readEvents(stream, { signal, silenceMs, lastEventId: this.#lastEventId })) {
        if (!heard) yield { connection: "live" };
        heard = true;
        // One that cannot be read is left out: the next event or the poll has it whole.
        const analysis = piece.type === "analysis" ? parseAnalysis(piece.data) : null;
        if (analysis) {
          told = true;
          yield* this.#news(analysis);
        }
        this.#lastEventId = piece.lastEventId;
        this.#reconnect.setRetry(piece.retryMs);
        if (this.#ended) return;
      }
    } catch (error) {
      // Nothing came, not even a comment: something on the way keeps streams back, and will the next.
      if (!heard && error instanceof ApiError && error.code === "timeout") this.#streamFailures = STREAM_FAILURES;
      throw error;
    }
    if (!told) throw new ApiError({ code: "not_a_stream", title: "The stream ended without a word" });
  }

  /**
   * @param {Analysis} analysis
   * @returns {Generator<News, void, void>}
   */
  *#news(analysis) {
    this.#reconnect.failures = 0;
    this.#streamFailures = 0;
    if (this.#last && (this.#ended || (analysis.version ?? 0) < (this.#last.version ?? 0))) return;
    this.#last = analysis;
    yield { analysis };
  }

  /** @returns {AsyncGenerator<News, void, void>} */
  async *#pollForARound() {
    const { signal } = this.#options;
    for (let poll = 0; poll < POLLS_PER_ROUND && !this.#ended; poll += 1) {
      const asked = Date.now();
      try {
        const analysis = await this.#api.getAnalysis(this.#id, { wait: POLL_WAIT_SECONDS, attempts: 1, signal });
        yield { connection: "polling" };
        yield* this.#news(analysis);
        if (!this.#ended && Date.now() - asked < DEFAULT_RETRY_MS) await this.#reconnect.rest(2 * DEFAULT_RETRY_MS);
      } catch (error) {
        yield* this.#recover(error);
      }
    }
    this.#streamFailures = STREAM_FAILURES - 1; // one more broken stream and it is polling again
  }

  /**
   * Pauses after a failure that may pass; throws on any other.
   *
   * @param {unknown} error
   * @returns {AsyncGenerator<News, void, void>}
   */
  async *#recover(error) {
    if (!mayPass(error)) throw error;
    yield { connection: "reconnecting" };
    await this.#reconnect.afterFailure(error);
  }
}
