// @ts-check
// One HTTP exchange: a bound on its time, every failure as one `ApiError`, bounded patience with a busy server.
// Knows nothing of sessions, pages or the DOM.

/** @typedef {{ field?: string, detail?: string }} FieldError */

/**
 * @typedef {object} Exchange
 * @property {string} method
 * @property {unknown} [json] sent as the JSON body
 * @property {Record<string, string>} [headers]
 * @property {boolean} [cookies] whether the page's own server may set and see cookies
 * @property {AbortSignal} [signal]
 * @property {number} [timeoutMs] until the answer is there; of a stream, its headers
 */

/** Statuses that are retried: no answer, a busy server, a proxy whose server restarts. */
const WORTH_WAITING = [0, 408, 429, 502, 503, 504];

/** Everything that can go wrong between the page and a server. `code` is what callers branch on. */
export class ApiError extends Error {
  /**
   * @param {{ code: string, status?: number, title?: string, detail?: string, traceId?: string,
   *           errors?: FieldError[], retryAfterSeconds?: number | null, cause?: unknown }} problem
   */
  constructor(problem) {
    super(problem.detail || problem.title || problem.code, { cause: problem.cause });
    this.name = "ApiError";
    /** Stable and machine readable; `network` and `timeout` when no answer came. */
    this.code = problem.code;
    /** HTTP status, 0 when no answer came. */
    this.status = problem.status ?? 0;
    this.title = problem.title ?? "";
    this.detail = problem.detail ?? "";
    this.traceId = problem.traceId ?? "";
    this.errors = problem.errors ?? [];
    /** What the server asked for, in seconds; null when it did not say. */
    this.retryAfterSeconds = problem.retryAfterSeconds ?? null;
  }

  /** True when nothing was wrong with the request itself and the same one may succeed later. */
  get transient() {
    return this.status === 0 || this.status === 429 || this.status === 408 || this.status >= 500;
  }
}

/**
 * Carries the error of a caller's callback past the handling of network errors.
 */
export class CallbackError {
  /** @param {unknown} thrown */
  constructor(thrown) {
    this.thrown = thrown;
  }
}

/**
 * Checks the address of a server and removes its trailing slashes: every path begins with one.
 *
 * @param {string | URL} baseUrl empty, or a path: on the page's own origin
 * @returns {string}
 * @throws {TypeError}
 */
export function baseAddress(baseUrl) {
  const text = String(baseUrl).trim();
  if (text !== "" && !/^(https?:\/\/[^/]|\/(?!\/))/i.test(text)) {
    throw new TypeError(`baseUrl: expected an address such as https://toneup.example, not ${JSON.stringify(text)}`);
  }
  if (/[?#]/.test(text)) throw new TypeError(`baseUrl: expected no query and no fragment, not ${JSON.stringify(text)}`);
  return text.replace(/\/+$/, "");
}

/**
 * Adds a signal to a promise that takes none.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export function abortable(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

/**
 * Reads `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).
 *
 * @param {string | null} value
 * @param {number} nowMs
 * @returns {number | null} seconds from now, never negative
 */
export function parseRetryAfter(value, nowMs) {
  if (!value) return null;
  if (/^\s*\d+(\.\d+)?\s*$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, (date - nowMs) / 1000);
}

/**
 * Reads an error answer, whether it is `problem+json` or something a proxy put in its place.
 *
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
export async function readProblem(response) {
  /** @type {any} */
  let problem = {};
  try {
    const text = await response.text();
    if ((response.headers.get("content-type") ?? "").includes("json")) problem = JSON.parse(text) ?? {};
  } catch {
    // The status alone has to do.
  }
  return new ApiError({
    code: typeof problem.code === "string" ? problem.code : `http_${response.status}`,
    status: response.status,
    title: problem.title,
    detail: problem.detail,
    traceId: problem.traceId,
    errors: Array.isArray(problem.errors) ? problem.errors : [],
    retryAfterSeconds: parseRetryAfter(response.headers.get("retry-after"), Date.now()),
  });
}

/**
 * Ends with the caller's signal or after `timeoutMs`, whichever is first; `release` stops the clock.
 *
 * @param {AbortSignal | undefined} signal
 * @param {number} timeoutMs
 */
export function deadline(signal, timeoutMs) {
  const controller = new AbortController();
  const follow = () => controller.abort(signal?.reason);
  const clock = setTimeout(
    () => controller.abort(new ApiError({ code: "timeout", title: "No answer in time" })),
    timeoutMs,
  );
  if (signal?.aborted) follow();
  else signal?.addEventListener("abort", follow, { once: true });
  return {
    signal: controller.signal,
    /** Aborts, as the caller's own signal would. @param {unknown} reason */
    abort: (reason) => controller.abort(reason),
    stopClock: () => clearTimeout(clock),
    release: () => {
      clearTimeout(clock);
      signal?.removeEventListener("abort", follow);
    },
  };
}

/**
 * Turns what `fetch` throws into an `ApiError`, except the caller's own abort, which stays what it is.
 *
 * @param {unknown} error
 * @param {AbortSignal} inner
 * @param {AbortSignal | undefined} outer
 */
export function asApiError(error, inner, outer) {
  if (outer?.aborted) return outer.reason;
  if (error instanceof ApiError) return error;
  if (inner.aborted && inner.reason instanceof ApiError) return inner.reason;
  return new ApiError({ code: "network", title: "No connection", cause: error });
}

/**
 * Sends one request and reads its JSON answer.
 *
 * @param {typeof fetch} fetch
 * @param {string} url
 * @param {Exchange} exchange
 * @returns {Promise<any>} null for an empty body
 * @throws {ApiError}
 */
export async function exchangeJson(fetch, url, { method, json, headers = {}, cookies, signal, timeoutMs = 15_000 }) {
  const limit = deadline(signal, timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      body: json === undefined ? undefined : JSON.stringify(json),
      signal: limit.signal,
      cache: "no-store",
      credentials: cookies ? "same-origin" : "omit",
      referrerPolicy: "no-referrer",
    });
    if (!response.ok) throw await readProblem(response);
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  } catch (error) {
    throw asApiError(error, limit.signal, signal);
  } finally {
    limit.release();
  }
}

/**
 * Opens an answer that goes on and on. The clock runs until the headers; afterwards `limit` is the caller's.
 *
 * @param {typeof fetch} fetch
 * @param {string} url
 * @param {Exchange} exchange
 * @throws {ApiError}
 */
export async function openStream(fetch, url, { method, headers = {}, signal, timeoutMs = 15_000 }) {
  const limit = deadline(signal, timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers,
      signal: limit.signal,
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    if (!response.ok) throw await readProblem(response);
    limit.stopClock();
    return { response, limit };
  } catch (error) {
    limit.release();
    throw asApiError(error, limit.signal, signal);
  }
}

/**
 * Waits, or throws the signal's reason. An event on `wake` ends the wait early.
 *
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @param {EventTarget} [wake] fires `wake` when waiting on is pointless, e.g. the network is back
 * @returns {Promise<void>}
 */
export function sleep(ms, signal, wake) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const done = () => {
      clearTimeout(clock);
      signal?.removeEventListener("abort", aborted);
      wake?.removeEventListener("wake", woken);
    };
    const aborted = () => (done(), reject(signal?.reason));
    const woken = () => (done(), resolve());
    const clock = setTimeout(woken, ms);
    signal?.addEventListener("abort", aborted, { once: true });
    wake?.addEventListener("wake", woken, { once: true });
  });
}

/**
 * Full-jitter exponential backoff with a floor of half the step, so that clients spread but never hammer.
 *
 * @param {number} failures how many in a row, from 1
 * @param {{ baseMs?: number, capMs?: number, random?: () => number }} [options]
 * @returns {number} milliseconds
 */
export function backoff(failures, { baseMs = 500, capMs = 30_000, random = Math.random } = {}) {
  const step = Math.min(capMs, baseMs * 2 ** Math.min(failures - 1, 16));
  return step / 2 + (random() * step) / 2;
}

/**
 * Repeats a request that a busy server or a broken line refused: a bounded number of times, and never
 * longer than `patienceMs` altogether. Only for requests that may safely be repeated.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {object} [options]
 * @param {number} [options.attempts]
 * @param {number} [options.patienceMs]
 * @param {AbortSignal} [options.signal]
 * @param {(wait: { seconds: number, error: ApiError }) => void} [options.onWait] told before each pause
 * @returns {Promise<T>}
 * @throws {ApiError} the last refusal
 */
export async function withPatience(attempt, { attempts = 4, patienceMs = 90_000, signal, onWait } = {}) {
  const giveUpAt = Date.now() + patienceMs;
  for (let failures = 1; ; failures += 1) {
    try {
      return await attempt();
    } catch (error) {
      const worthWaiting = error instanceof ApiError && WORTH_WAITING.includes(error.status);
      if (!worthWaiting || failures >= attempts) throw error;
      const asked = error.retryAfterSeconds;
      // At the asked time or a little later, so that all who were sent away do not come back in one instant.
      const ms = asked === null ? backoff(failures, { baseMs: 1000 }) : asked * 1000 + Math.random() * 500;
      if (Date.now() + ms > giveUpAt) throw error;
      onWait?.({ seconds: ms / 1000, error });
      await sleep(ms, signal);
    }
  }
}
