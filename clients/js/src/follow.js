// @ts-check
// Follows all analyses of a user by a stream of server-sent events that resumes at its last position; by the list and long
// polls where streams do not get through, or where the position is not known.

import { ApiError } from "./http.js";
import { History } from "./history.js";
import { DEFAULT_RETRY_MS, mayPass, Reconnect } from "./reconnect.js";
import { firstByteMs, parseAnalysis, parseCode, readEvents } from "./stream.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Analysis} Analysis */
/** @typedef {import("./events.js").Connection} Connection */
/** @typedef {{ analysis: Analysis } | { position: string } | { gap: true } | { connection: Connection }} News */

/**
 * @typedef {object} FollowOptions
 * @property {(analysis: Analysis) => unknown} onAnalysis the end of each at least once, whatever breaks in between
 * @property {AbortSignal} signal ends it
 * @property {string} [lastEventId] tells first what has ended after this event; without, it starts with the server's first answer
 * @property {(lastEventId: string) => unknown} [onPosition] what to give as `lastEventId` after a restart: `onAnalysis` is done
 *   with all before it
 * @property {() => unknown} [onGap] the server no longer keeps what ended since `lastEventId`: read the list anew
 * @property {(connection: Connection) => unknown} [onConnection]
 * @property {EventTarget} [wake] fires `wake` when a pause has lost its reason, e.g. the network is back
 * @property {number} [silenceMs] a stream that says nothing for so long is given up
 */

/** After so many streams in a row that said nothing it polls for a round, then tries the stream again. */
const STREAM_FAILURES = 2;
const POLLS_PER_ROUND = 6;
/** The end of another analysis, or a new one, is seen this late at the latest. */
const POLL_WAIT_SECONDS = 10;
const IDLE_POLL_MS = 5000;

/**
 * Tells of every change of every analysis of the caller, until `signal`. Rides out broken lines, restarts, busy servers and
 * proxies that keep streams back. What a callback throws ends it and reaches the caller; a callback that returns a promise is
 * waited for.
 *
 * @param {Api} api
 * @param {FollowOptions} options
 * @returns {Promise<void>} when `signal` ended it
 * @throws {ApiError} where trying again would not help
 */
export async function followAnalyses(api, { onAnalysis, onPosition, onGap, onConnection, ...options }) {
  // Callbacks run here alone, outside of everything that takes an error for one of the network.
  for await (const news of new Follower(api, options).run()) {
    if ("analysis" in news) await onAnalysis(news.analysis);
    else if ("position" in news) await onPosition?.(news.position);
    else if ("gap" in news) await onGap?.();
    else await onConnection?.(news.connection);
  }
}

class Follower {
  /** The number of the last event reported; empty while unknown. */
  #position;
  #history = new History();
  #begun;
  /** A stream broke before it named its position: the list has to be read once the next stream is open. */
  #missed = false;
  #streamFailures = 0;
  /** @type {Connection | null} */
  #connection = null;
  #reconnect;
  #api;
  #signal;
  #silenceMs;

  /**
   * @param {Api} api
   * @param {Omit<FollowOptions, "onAnalysis" | "onPosition" | "onGap" | "onConnection">} options
   */
  constructor(api, options) {
    this.#api = api;
    this.#signal = options.signal;
    this.#silenceMs = options.silenceMs;
    this.#position = options.lastEventId ?? "";
    this.#begun = this.#position !== "";
    this.#reconnect = new Reconnect(options);
  }

  /** @returns {AsyncGenerator<News, void, void>} */
  async *run() {
    while (!this.#signal.aborted) {
      try {
        if (!this.#begun) await this.#history.begin(this.#api, this.#signal);
        this.#begun = true;
        yield* this.#stream();
        await this.#reconnect.afterStream();
      } catch (error) {
        yield* this.#recover(error);
      }
      if (this.#streamFailures >= STREAM_FAILURES) yield* this.#pollForARound();
    }
  }

  /**
   * Reads one stream to its end.
   *
   * @returns {AsyncGenerator<News, void, void>}
   */
  async *#stream() {
    const lastEventId = this.#position;
    let heard = false;
    try {
      const opening = { signal: this.#signal, lastEventId, timeoutMs: firstByteMs(this.#silenceMs) };
      const stream = await this.#api.openAllEvents(opening);
      const reading = { signal: this.#signal, silenceMs: this.#silenceMs, lastEventId };
      for await (const piece of readEvents(stream, reading)) {
        if (!heard) yield* this.#heardOf(lastEventId);
        heard = true;
        this.#reconnect.setRetry(piece.retryMs);
        yield* this.#take(piece);
      }
    } catch (error) {
      this.#streamFailures += 1;
      // Nothing came, not even a comment: something on the way keeps streams back, and will the next.
      if (!heard && error instanceof ApiError && error.code === "timeout") this.#streamFailures = STREAM_FAILURES;
      throw error;
    } finally {
      if (this.#position === "") this.#missed = true;
    }
    if (!heard) this.#streamFailures += 1;
  }

  /**
   * Handles the first piece of a stream: later changes will arrive on it, earlier ones that may have been missed are in the list.
   *
   * @param {string} lastEventId of this stream
   * @returns {AsyncGenerator<News, void, void>}
   */
  async *#heardOf(lastEventId) {
    if (this.#missed && lastEventId === "") yield* this.#readHistory();
    this.#missed = false;
    this.#streamFailures = 0;
    yield* this.#connected("live");
  }

  /**
   * @param {import("./stream.js").Piece} piece
   * @returns {AsyncGenerator<News, void, void>}
   */
  async *#take({ type, data, lastEventId }) {
    const numbered = lastEventId !== this.#position;
    if (type === "analysis") {
      const analysis = parseAnalysis(data);
      if (!analysis) yield* this.#readHistory();
      else if (!this.#history.isOld(analysis)) {
        yield { analysis };
        if (numbered) this.#history.noteNumbered(analysis);
        else this.#history.note(analysis);
      }
    } else if (type === "error" && parseCode(data) === "history_gone") yield { gap: true };
    if (!numbered) return;
    this.#position = lastEventId;
    yield { position: lastEventId };
  }

  /** @returns {AsyncGenerator<News, void, void>} */
  async *#readHistory() {
    for await (const analysis of this.#history.news(this.#api, this.#signal)) yield { analysis };
  }

  /** @returns {AsyncGenerator<News, void, void>} */
  async *#pollForARound() {
    for (let poll = 0; poll < POLLS_PER_ROUND && !this.#signal.aborted; poll += 1) {
      try {
        if (!this.#begun) await this.#history.begin(this.#api, this.#signal);
        this.#begun = true;
        yield* this.#readHistory();
        yield* this.#connected("polling");
        await this.#waitForAnEnd();
      } catch (error) {
        yield* this.#recover(error);
      }
    }
    this.#streamFailures = STREAM_FAILURES - 1; // one more stream that says nothing and it is polling again
  }

  /** Waits until the oldest unfinished analysis has ended, or for a poll interval. */
  async #waitForAnEnd() {
    const id = this.#history.oldestUnfinished;
    if (id === undefined) return this.#reconnect.rest(IDLE_POLL_MS);
    const asked = Date.now();
    try {
      await this.#api.getAnalysis(id, { wait: POLL_WAIT_SECONDS, attempts: 1, signal: this.#signal });
    } catch (error) {
      // One that its owner deleted is missing from the list as well.
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    if (Date.now() - asked < DEFAULT_RETRY_MS) await this.#reconnect.rest(2 * DEFAULT_RETRY_MS);
  }

  /**
   * @param {Connection} connection
   * @returns {Generator<News, void, void>}
   */
  *#connected(connection) {
    this.#reconnect.failures = 0;
    if (this.#connection !== connection) yield { connection };
    this.#connection = connection;
  }

  /**
   * Pauses after a failure that may pass; throws on any other.
   *
   * @param {unknown} error
   * @returns {AsyncGenerator<News, void, void>}
   */
  async *#recover(error) {
    if (this.#signal.aborted) return;
    if (!mayPass(error)) throw error;
    if (this.#connection !== "reconnecting") yield { connection: "reconnecting" };
    this.#connection = "reconnecting";
    await this.#reconnect.afterFailure(error).catch(() => {}); // the signal's: the loop ends by it
  }
}
