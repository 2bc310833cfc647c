// @ts-check
// Reads server-sent events from text. No network, no DOM. Not the package `eventsource-parser`: it drops an `id` without
// data, which is how a stream names its position, and a page without a bundler could not import it by name.

/** @typedef {{ type: string, data: string, lastEventId: string }} ServerEvent `lastEventId` as of this event */

/**
 * Reads a `text/event-stream` piece by piece (WHATWG HTML §9.2.6). Pieces may be cut anywhere.
 */
export class EventParser {
  /** Sent as `Last-Event-ID` when the stream is opened again. A block with an `id` and no data sets it too. */
  lastEventId = "";
  /** What the server asked for with `retry:`, in milliseconds; null when it did not. @type {number | null} */
  retryMs = null;
  #line = "";
  #afterCr = false;
  #atStart = true;
  #type = "";
  #data = "";
  #hasData = false;
  #id = "";

  /**
   * @param {string} lastEventId of the stream that this one continues
   */
  constructor(lastEventId = "") {
    this.lastEventId = lastEventId;
    this.#id = lastEventId;
  }

  /**
   * @param {string} chunk
   * @returns {ServerEvent[]} the events that this chunk completed
   */
  push(chunk) {
    /** @type {ServerEvent[]} */
    const events = [];
    if (this.#atStart && chunk) {
      this.#atStart = false;
      if (chunk.startsWith("\uFEFF")) chunk = chunk.slice(1);
    }
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const end = chunk[at];
      if (end === "\n" && this.#afterCr) {
        // The second half of CR LF.
        this.#afterCr = false;
        from = at + 1;
        continue;
      }
      this.#afterCr = end === "\r";
      if (end !== "\n" && end !== "\r") continue;
      const event = this.#endLine(this.#line + chunk.slice(from, at));
      if (event) events.push(event);
      this.#line = "";
      from = at + 1;
    }
    this.#line += chunk.slice(from);
    return events;
  }

  /**
   * @param {string} line
   * @returns {ServerEvent | null}
   */
  #endLine(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment: the heartbeat
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (field === "data") {
      this.#data += this.#hasData ? `\n${value}` : value;
      this.#hasData = true;
    } else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return null;
  }

  #dispatch() {
    this.lastEventId = this.#id;
    const event =
      this.#data === "" ? null : { type: this.#type || "message", data: this.#data, lastEventId: this.lastEventId };
    this.#type = "";
    this.#data = "";
    this.#hasData = false;
    return event;
  }
}
