// @ts-check
// Reads an open event stream, with a limit on its silence.

import { ApiError, asApiError } from "./http.js";
import { EventParser } from "./sse.js";

/** The server says something every 15 s; this long without a byte means the line is dead. */
const SILENCE_MS = 40_000;
/** It says something at once when a stream opens; this long without a byte means that a proxy keeps it back. */
const FIRST_BYTE_MS = 6000;

/** @typedef {{ response: Response, limit: ReturnType<typeof import("./http.js").deadline> }} OpenStream */
/** @typedef {import("./sse.js").ServerEvent & { retryMs: number | null }} Piece an event, or with `type` "" a sign of life */

/**
 * The time limit for a stream's headers, and for its first byte after them.
 *
 * @param {number} [silenceMs]
 */
export function firstByteMs(silenceMs = SILENCE_MS) {
  return Math.min(FIRST_BYTE_MS, silenceMs);
}

/**
 * Yields the events of a stream, and after each chunk a sign of life, until the stream ends or the caller stops; then frees
 * the connection. The time a caller takes for an event does not count as silence.
 *
 * @param {OpenStream} stream
 * @param {{ signal?: AbortSignal, silenceMs?: number, lastEventId: string }} options
 * @returns {AsyncGenerator<Piece, void, void>}
 * @throws {ApiError}
 */
export async function* readEvents({ response, limit }, { signal, silenceMs = SILENCE_MS, lastEventId }) {
  const tooQuiet = () => limit.abort(new ApiError({ code: "timeout", title: "The line went quiet" }));
  try {
    if (!response.body || !(response.headers.get("content-type") ?? "").startsWith("text/event-stream")) {
      throw new ApiError({ code: "not_a_stream", title: "The server answered with something else" });
    }
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser(lastEventId);
    for (let first = true; ; first = false) {
      const quiet = setTimeout(tooQuiet, first ? firstByteMs(silenceMs) : silenceMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(quiet));
      if (done) return;
      for (const event of parser.push(decoder.decode(value, { stream: true }))) yield { ...event, retryMs: parser.retryMs };
      yield { type: "", data: "", lastEventId: parser.lastEventId, retryMs: parser.retryMs };
    }
  } catch (error) {
    throw asApiError(error, limit.signal, signal);
  } finally {
    limit.abort(new DOMException("The stream is done", "AbortError")); // frees the connection if it is still open
    limit.release();
  }
}

/**
 * Reads the analysis of an event named `analysis`.
 *
 * @param {string} data
 * @returns {import("./api.js").Analysis | null} null when it is none
 */
export function parseAnalysis(data) {
  const analysis = parse(data);
  return typeof analysis?.id === "string" && typeof analysis.status === "string" ? analysis : null;
}

/**
 * Reads the notice of an event named `notice`.
 *
 * @param {string} data
 * @returns {import("./notices.js").Notice | null} null when it is none
 */
export function parseNotice(data) {
  const notice = parse(data);
  return typeof notice?.id === "string" && typeof notice.type === "string" ? notice : null;
}

/**
 * Reads the code of an event named `error`.
 *
 * @param {string} data
 * @returns {string | undefined}
 */
export function parseCode(data) {
  return parse(data)?.code;
}

/** @param {string} data @returns {any} */
function parse(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
