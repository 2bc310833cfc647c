// @ts-check
// What the pages say: messages of the catalogue (`words/*.ftl`, Project Fluent), and numbers and times as the language
// writes them. No DOM, no network.

import { FluentBundle } from "./vendor/fluent/bundle.js";
import { FluentResource } from "./vendor/fluent/resource.js";

/** @typedef {Record<string, string | number>} Values */

/**
 * The id of a message that is made of data: `error` and `IMAGE_TOO_LARGE` are `error-image-too-large`.
 *
 * @param {string} part
 * @param {string} code
 */
export function idOf(part, code) {
  return `${part}-${code.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
}

export class Words {
  #bundle;
  #compact;
  #share;
  #list;
  #relative;

  /**
   * @param {string} language
   * @param {string} catalogue the text of its file
   */
  constructor(language, catalogue) {
    this.language = language;
    // Marks of direction around values: neither language is written from right to left.
    this.#bundle = new FluentBundle(language, { useIsolating: false });
    this.#bundle.addResource(new FluentResource(catalogue));
    this.#compact = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
    this.#share = new Intl.NumberFormat(language, { style: "percent" });
    this.#list = new Intl.ListFormat(language);
    this.#relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  }

  /**
   * A message; `{ $name }` in it stands for a value.
   *
   * @param {string} id with a dot and the attribute's name, if it is not the message itself
   * @param {Values} [values]
   */
  say(id, values) {
    const text = this.find(id, values);
    if (text === null) console.error(`no words for ${id}`);
    return text ?? id;
  }

  /**
   * A message, if there is one: its id may be made of data.
   *
   * @param {string} id
   * @param {Values} [values]
   * @returns {string | null}
   */
  find(id, values) {
    const [name, attribute] = id.split(".");
    const message = this.#bundle.getMessage(name);
    const pattern = attribute ? message?.attributes[attribute] : message?.value;
    if (!pattern) return null;
    /** @type {Error[]} */
    const errors = [];
    const text = this.#bundle.formatPattern(pattern, values, errors);
    for (const error of errors) console.error(`${id}: ${error}`);
    return text;
  }

  /** A number in little space: 1.2K, 3.4만. @param {number} value */
  short(value) {
    return this.#compact.format(value);
  }

  /** @param {number} share 0 to 1 */
  percent(share) {
    return this.#share.format(share);
  }

  /** @param {number} value in won */
  price(value) {
    return this.say("price", { value });
  }

  /** @param {string[]} items */
  list(items) {
    return this.#list.format(items);
  }

  /** @param {number} bytes */
  size(bytes) {
    const [value, unit] = bytes < 1_000_000 ? [Math.max(1, Math.round(bytes / 1000)), "kilobyte"] : [bytes / 1_000_000, "megabyte"];
    return new Intl.NumberFormat(this.language, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
  }

  /**
   * A length of time as one would say it: rounded, never falsely exact.
   *
   * @param {number} seconds
   */
  duration(seconds) {
    if (seconds < 5) return this.say("duration-moment");
    if (seconds < 55) return this.say("duration-seconds", { count: Math.ceil(seconds / 5) * 5 });
    if (seconds < 3300) return this.say("duration-minutes", { count: Math.max(1, Math.round(seconds / 60)) });
    return this.say("duration-hours", { count: Math.max(1, Math.round(seconds / 3600)) });
  }

  /**
   * How long ago, or after a week on which day.
   *
   * @param {string} at RFC 3339
   * @param {number} [now] in milliseconds
   */
  ago(at, now = Date.now()) {
    const seconds = Math.min(0, (Date.parse(at) - now) / 1000);
    if (seconds > -60) return this.say("now");
    if (seconds > -3600) return this.#relative.format(Math.trunc(seconds / 60), "minute");
    if (seconds > -86_400) return this.#relative.format(Math.trunc(seconds / 3600), "hour");
    if (seconds > -7 * 86_400) return this.#relative.format(Math.trunc(seconds / 86_400), "day");
    return this.day(at, now);
  }

  /** @param {string} at RFC 3339 @param {number} [now] */
  day(at, now = Date.now()) {
    const date = new Date(at);
    const thisYear = date.getFullYear() === new Date(now).getFullYear();
    return date.toLocaleDateString(this.language, { month: "long", day: "numeric", ...(thisYear ? {} : { year: "numeric" }) });
  }

  /** @param {string} at RFC 3339 */
  clock(at) {
    return this.#time(at, { hour: "numeric", minute: "2-digit" });
  }

  /** Day and time. @param {string} at RFC 3339 */
  moment(at) {
    return this.#time(at, { dateStyle: "long", timeStyle: "short" });
  }

  /**
   * The halves of the day by the catalogue: some browsers write AM and PM in Korean, too.
   *
   * @param {string} at RFC 3339
   * @param {Intl.DateTimeFormatOptions} options
   */
  #time(at, options) {
    const date = new Date(at);
    const parts = new Intl.DateTimeFormat(this.language, options).formatToParts(date);
    const half = this.say(date.getHours() < 12 ? "before-noon" : "after-noon");
    return parts.map(({ type, value }) => (type === "dayPeriod" ? half : value)).join("");
  }
}
