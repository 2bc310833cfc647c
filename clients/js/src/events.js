// @ts-check
// Watches one analysis to its end, or all there are: streams of server-sent events that are taken up again where they broke
// off, and long polling when streams do not get through.

import { isFinished } from "./api.js";
import { ApiError, asApiError, backoff, sleep } from "./http.js";
import { EventParser } from "./sse.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Analysis} Analysis */
/** @typedef {"live" | "polling" | "reconnecting"} Connection */

/**
 * @typedef {object} WatchOptions
 * @property {(analysis: Analysis) => void} onAnalysis never called with an older state after a newer one
 * @property {(connection: Connection) => void} [onConnection]
 * @property {AbortSignal} [signal]
 * @property {EventTarget} [wake] see `sleep`
 * @property {() => number} [random]
 * @property {number} [silenceMs]
 */

/** The server says something every 15 s; this long without a byte means the line is dead. */
const SILENCE_MS = 40_000;
/** After so many broken streams in a row the watcher polls for a round, then tries the stream again. */
const STREAM_FAILURES = 2;
const POLLS_PER_ROUND = 3;
const POLL_WAIT_SECONDS = 20;
/** Between two requests when nothing else sets the pace. */
const DEFAULT_RETRY_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Tells of every change of an analysis until it is finished. Rides out broken lines, restarts and busy servers; ends
 * early only by `signal` or when the server's answer shows that trying again would not help.
 *
 * @param {Api} api
 * @param {string} id
 * @param {WatchOptions} options
 * @returns {Promise<Analysis>} the finished analysis
 * @throws {ApiError} 403, 404 and their like
 */
export function watchAnalysis(api, id, options) {
  return new Watcher(api, id, options).run();
}

class Watcher {
  /** @type {Analysis | null} */
  #last = null;
  #lastEventId = "";
  #retryMs = DEFAULT_RETRY_MS;
  /** Broken streams, and failures of any kind, since the last good news. */
  #streamFailures = 0;
  #failures = 0;
  #api;
  #id;
  #options;

  /**
   * @param {Api} api
   * @param {string} id
   * @param {WatchOptions} options
   */
  constructor(api, id, options) {
    this.#api = api;
    this.#id = id;
    this.#options = options;
  }

  /** @returns {Promise<Analysis>} */
  async run() {
    for (;;) {
      try {
        await this.#stream();
        if (this.#last && isFinished(this.#last)) return this.#last;
        await this.#rest(this.#retryMs * (0.5 + this.#random())); // a draining server; others are up
      } catch (error) {
        this.#streamFailures += 1;
        await this.#recover(error);
      }
      if (this.#streamFailures >= STREAM_FAILURES) await this.#pollForARound();
      if (this.#last && isFinished(this.#last)) return this.#last;
    }
  }

  /** Reads one stream to its end, and throws unless it ended well: cleanly, after at least one event. */
  async #stream() {
    const { signal, onConnection, silenceMs } = this.#options;
    const stream = await this.#api.openEvents(this.#id, { signal, lastEventId: this.#lastEventId });
    let told = false;
    await readStream(stream, {
      signal,
      silenceMs,
      lastEventId: this.#lastEventId,
      onOpen: () => onConnection?.("live"),
      onEvent: (event) => void (told = this.#take(event) || told),
      onProgress: ({ lastEventId, retryMs }) => {
        this.#lastEventId = lastEventId;
        this.#retryMs = Math.min(retryMs ?? this.#retryMs, LONGEST_PAUSE_MS);
        return this.#last !== null && isFinished(this.#last);
      },
    });
    if (!told) throw new ApiError({ code: "not_a_stream", title: "The stream ended without a word" });
  }

  /**
   * @param {import("./sse.js").ServerEvent} event
   * @returns {boolean} whether it was about the analysis
   */
  #take({ type, data }) {
    if (type !== "analysis") return false;
    try {
      this.#tell(JSON.parse(data));
      return true;
    } catch (error) {
      if (error instanceof SyntaxError) return false; // the next event or the poll has it whole
      throw error;
    }
  }

  /** @param {Analysis} analysis */
  #tell(analysis) {
    if (analysis?.id !== this.#id) return;
    this.#failures = 0;
    this.#streamFailures = 0;
    const last = this.#last;
    if (last && (isFinished(last) || (analysis.version ?? 0) < (last.version ?? 0))) return;
    this.#last = analysis;
    this.#options.onAnalysis(analysis);
  }

  async #pollForARound() {
    const { signal, onConnection } = this.#options;
    for (let poll = 0; poll < POLLS_PER_ROUND; poll += 1) {
      const asked = Date.now();
      try {
        const analysis = await this.#api.getAnalysis(this.#id, { wait: POLL_WAIT_SECONDS, attempts: 1, signal });
        onConnection?.("polling");
        this.#tell(analysis);
        if (isFinished(analysis)) return;
        if (Date.now() - asked < DEFAULT_RETRY_MS) await this.#rest(2 * DEFAULT_RETRY_MS);
      } catch (error) {
        await this.#recover(error);
      }
    }
    this.#streamFailures = STREAM_FAILURES - 1; // one more broken stream and it is polling again
  }

  /**
   * Pauses after a failure that may pass; throws on as any other.
   *
   * @param {unknown} error
   */
  async #recover(error) {
    if (!(error instanceof ApiError) || !(error.transient || error.code === "not_a_stream")) throw error;
    this.#failures += 1;
    this.#options.onConnection?.("reconnecting");
    const asked = error.retryAfterSeconds;
    if (asked === null) return this.#rest(backoff(this.#failures, { random: this.#random }));
    // The server's own word: not cut short by anything that happens here.
    return sleep(Math.min(asked * 1000, LONGEST_PAUSE_MS) + this.#random() * 500, this.#options.signal);
  }

  /** @param {number} ms */
  #rest(ms) {
    return sleep(ms, this.#options.signal, this.#options.wake);
  }

  #random = () => (this.#options.random ?? Math.random)();
}

/**
 * Reads an open stream until it ends or `onProgress` has seen enough; however it ends, its connection is freed.
 *
 * @param {{ response: Response, limit: ReturnType<typeof import("./http.js").deadline> }} stream
 * @param {object} options
 * @param {AbortSignal} [options.signal]
 * @param {number} [options.silenceMs]
 * @param {string} options.lastEventId
 * @param {() => void} options.onOpen
 * @param {(event: import("./sse.js").ServerEvent) => void} options.onEvent
 * @param {(parser: EventParser) => boolean} options.onProgress after each piece; true: enough
 * @throws {ApiError}
 */
async function readStream({ response, limit }, { signal, silenceMs = SILENCE_MS, lastEventId, onOpen, onEvent, onProgress }) {
  const tooQuiet = () => limit.abort(new ApiError({ code: "timeout", title: "The line went quiet" }));
  let quiet = setTimeout(tooQuiet, silenceMs);
  try {
    if (!response.body || !(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
      throw new ApiError({ code: "not_a_stream", title: "The server answered with something else" });
    }
    onOpen();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser(lastEventId);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(quiet);
      quiet = setTimeout(tooQuiet, silenceMs);
      parser.push(decoder.decode(value, { stream: true })).forEach(onEvent);
      if (onProgress(parser)) return;
    }
  } catch (error) {
    throw asApiError(error, limit.signal, signal);
  } finally {
    clearTimeout(quiet);
    limit.abort(new DOMException("The stream is done", "AbortError")); // frees the connection if it is still open
    limit.release();
  }
}

/**
 * @typedef {object} FollowOptions
 * @property {(analysis: Analysis) => void} onAnalysis the end of each at least once, whatever breaks in between
 * @property {AbortSignal} signal ends it
 * @property {string} [lastEventId] tells first what has ended after this event; without, it starts now
 * @property {(lastEventId: string) => void} [onPosition] what to give as `lastEventId` after a restart
 * @property {() => void} [onGap] the server no longer keeps what ended since `lastEventId`: read the list anew
 * @property {(connection: Connection) => void} [onConnection]
 * @property {EventTarget} [wake] see `sleep`
 * @property {number} [silenceMs]
 */

/**
 * Tells of every change of every analysis of the caller, until `signal`. Rides out broken lines, restarts and busy servers.
 *
 * @param {Api} api
 * @param {FollowOptions} options
 * @returns {Promise<void>} when `signal` ended it
 * @throws {ApiError} where trying again would not help
 */
export async function followAnalyses(api, options) {
  const { signal, onAnalysis, onPosition, onGap, onConnection, wake, silenceMs } = options;
  let lastEventId = options.lastEventId ?? "";
  let retryMs = DEFAULT_RETRY_MS;
  for (let failures = 0; !signal.aborted; ) {
    try {
      const stream = await api.openAllEvents({ signal, lastEventId });
      await readStream(stream, {
        signal,
        silenceMs,
        lastEventId,
        onOpen: () => onConnection?.("live"),
        onEvent: ({ type, data }) => {
          if (type === "analysis") onAnalysis(JSON.parse(data));
          else if (type === "error" && JSON.parse(data).code === "history_gone") onGap?.();
        },
        onProgress: (parser) => {
          failures = 0;
          retryMs = Math.min(parser.retryMs ?? retryMs, LONGEST_PAUSE_MS);
          if (parser.lastEventId !== lastEventId) onPosition?.((lastEventId = parser.lastEventId));
          return false;
        },
      });
      await sleep(retryMs * (0.5 + Math.random()), signal, wake); // a draining server; others are up
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError) || !(error.transient || error.code === "not_a_stream")) throw error;
      failures += 1;
      onConnection?.("reconnecting");
      const asked = error.retryAfterSeconds;
      const pause = asked === null ? backoff(failures) : Math.min(asked * 1000, LONGEST_PAUSE_MS);
      await sleep(pause, signal, wake).catch(() => {});
    }
  }
}
