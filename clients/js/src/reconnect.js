// @ts-check
// Reconnect delays of `watchAnalysis` and `followAnalyses`.

import { ApiError, backoff, sleep } from "./http.js";

/** Between two requests when nothing else sets the pace. */
export const DEFAULT_RETRY_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/** Counts failures and waits between attempts: by backoff, `Retry-After` or `retry:`. */
export class Reconnect {
  /** Failures of any kind since the last good news. */
  failures = 0;
  #retryMs = DEFAULT_RETRY_MS;
  #signal;
  #wake;
  #random;

  /** @param {{ signal?: AbortSignal, wake?: EventTarget, random?: () => number }} options */
  constructor({ signal, wake, random = Math.random }) {
    this.#signal = signal;
    this.#wake = wake;
    this.#random = random;
  }

  /** Stores the delay of a `retry:` field. @param {number | null} ms */
  setRetry(ms) {
    if (ms !== null) this.#retryMs = Math.min(ms, LONGEST_PAUSE_MS);
  }

  /** Waits after a stream that the server closed, as a draining replica does while others are up. */
  afterStream() {
    return this.rest(this.#retryMs * (0.5 + this.#random()));
  }

  /**
   * Waits after a failure that may pass.
   *
   * @param {ApiError} error
   */
  afterFailure(error) {
    this.failures += 1;
    const asked = error.retryAfterSeconds;
    if (asked === null) return this.rest(backoff(this.failures, { random: this.#random }));
    // `wake` does not cut the server's own delay short.
    return sleep(Math.min(asked * 1000, LONGEST_PAUSE_MS) + this.#random() * 500, this.#signal);
  }

  /** @param {number} ms */
  rest(ms) {
    return sleep(ms, this.#signal, this.#wake);
  }
}

/**
 * Tells whether trying again may help.
 *
 * @param {unknown} error
 * @returns {error is ApiError}
 */
export function mayPass(error) {
  return error instanceof ApiError && (error.transient || error.code === "not_a_stream");
}
