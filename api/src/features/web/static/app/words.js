// @ts-check
// The words of the page, in the person's language.

import { EN } from "./words/en.js";
import { KO } from "./words/ko.js";

/** @typedef {keyof typeof EN} Key */
/** @typedef {"en" | "ko"} Language */
/** @typedef {Record<string, string | number>} Values */

/** @type {Record<Language, Record<Key, string>>} */
export const CATALOGUE = { en: EN, ko: KO };

/**
 * The first language that is known; English where none is.
 *
 * @param {readonly string[]} languages BCP 47 tags, the preferred first
 * @returns {Language}
 */
export function chooseLanguage(languages) {
  const known = languages.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => tag === "ko" || tag === "en");
  return known === "ko" ? "ko" : "en";
}

export class Words {
  #words;
  #plural;
  #number;
  #compact;
  #relative;

  /** @param {readonly string[]} languages */
  constructor(languages) {
    this.language = chooseLanguage(languages);
    this.#words = CATALOGUE[this.language];
    this.#plural = new Intl.PluralRules(this.language);
    this.#number = new Intl.NumberFormat(this.language);
    this.#compact = new Intl.NumberFormat(this.language, { notation: "compact", maximumFractionDigits: 1 });
    this.#relative = new Intl.RelativeTimeFormat(this.language, { numeric: "auto", style: "short" });
  }

  /**
   * A text; `{name}` in it stands for a value.
   *
   * @param {Key} key
   * @param {Values} [values]
   */
  say(key, values = {}) {
    return this.#words[key].replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  }

  /**
   * A text about a number: the key with `One` or `Other` at its end.
   *
   * @param {string} key
   * @param {number} count
   * @param {Values} [values]
   */
  count(key, count, values) {
    const form = this.#plural.select(count) === "one" ? "One" : "Other";
    return this.say(/** @type {Key} */ (key + form), { ...values, count: this.#number.format(count) });
  }

  /**
   * The text of a key that is made of data, if there is one.
   *
   * @param {string} key
   * @returns {string | null}
   */
  find(key) {
    return Object.hasOwn(this.#words, key) ? this.#words[/** @type {Key} */ (key)] : null;
  }

  /** A number in little space: 1.2K, 3.4만. @param {number} value */
  short(value) {
    return this.#compact.format(value);
  }

  /** @param {number} value in won */
  price(value) {
    return this.say("won", { value: this.#number.format(value) });
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
    return new Date(at).toLocaleTimeString(this.language, { hour: "numeric", minute: "2-digit" });
  }
}
