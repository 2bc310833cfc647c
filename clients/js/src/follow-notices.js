// @ts-check
// Follows the notices of a user by the stream of events, over broken lines and restarts.

import { mayPass, Reconnect } from "./reconnect.js";
import { firstByteMs, parseNotice, readEvents } from "./stream.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./notices.js").Notice} Notice */

/** Where streams do not get through, `onResume` is called this often instead. */
const POLL_MS = 20_000;
/** So many streams in a row that say nothing before it only polls. */
const STREAM_FAILURES = 2;

/**
 * Tells of each notice until `signal`. What came while there was no line is not told one by one: `onResume` says that the list
 * may have changed.
 *
 * @param {Api} api
 * @param {object} options
 * @param {(notice: Notice) => void} options.onNotice
 * @param {() => void} options.onResume
 * @param {AbortSignal} options.signal
 * @param {EventTarget} [options.wake] fires `wake` when a pause has lost its reason
 * @param {number} [options.silenceMs] a stream that says nothing for so long is given up
 * @returns {Promise<void>} when `signal` ended it
 * @throws {import("./http.js").ApiError} where trying again would not help
 */
export async function followNotices(api, { onNotice, onResume, signal, wake, silenceMs }) {
  const reconnect = new Reconnect({ signal, wake });
  let failures = 0;
  let begun = false;
  while (!signal.aborted) {
    let heard = false;
    try {
      const stream = await api.openAllEvents({ signal, timeoutMs: firstByteMs(silenceMs) });
      for await (const piece of readEvents(stream, { signal, silenceMs, lastEventId: "" })) {
        if (!heard && begun) onResume();
        heard = begun = true;
        failures = reconnect.failures = 0;
        reconnect.setRetry(piece.retryMs);
        const notice = piece.type === "notice" ? parseNotice(piece.data) : null;
        if (notice) onNotice(notice);
      }
      await reconnect.afterStream().catch(() => {}); // the signal's: the loop ends by it
    } catch (error) {
      if (signal.aborted) return;
      if (!mayPass(error)) throw error;
      if (!heard) failures += 1;
      begun = true;
      await reconnect.afterFailure(error).catch(() => {});
    }
    if (failures >= STREAM_FAILURES && !signal.aborted) {
      onResume();
      await reconnect.rest(POLL_MS).catch(() => {});
    }
  }
}
