// @ts-check
// Numbers, times and states as operators read them. Pure.

/** @param {number | null | undefined} value */
export function count(value) {
  if (value === null || value === undefined) return "–";
  if (value < 10 && !Number.isInteger(value)) return value.toFixed(1);
  if (value < 10_000) return String(Math.round(value));
  return value < 1_000_000 ? `${(value / 1000).toFixed(value < 100_000 ? 1 : 0)} k` : `${(value / 1e6).toFixed(1)} M`;
}

/** Per second. @param {number | null | undefined} value */
export function rate(value) {
  if (value === null || value === undefined) return "–";
  return value < 10 ? value.toFixed(value < 1 ? 2 : 1) : count(value);
}

/** @param {number | null | undefined} seconds */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** Between two times of the server. @param {string | null} from @param {string | null} to */
export function between(from, to) {
  return from && to ? span((Date.parse(to) - Date.parse(from)) / 1000) : "–";
}

/** A time of the server on the reader's clock, with its date if it is not today's. @param {string} time */
export function clock(time, now = new Date()) {
  const at = new Date(time);
  const day = at.toDateString() === now.toDateString() ? "" : `${at.getMonth() + 1}/${at.getDate()} `;
  return day + at.toLocaleTimeString([], { hour12: false });
}

/** A word of the api in words. @param {string} word */
export const words = (word) => word.replaceAll("_", " ");

/** The last part of an id: the first one is a time that neighbours share. @param {string} id */
export const short = (id) => `…${id.slice(-12)}`;
