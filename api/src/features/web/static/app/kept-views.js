// @ts-check
// Views that were left, as they were: whoever goes back finds the pages that were loaded, and the place in them.

/** @typedef {{ view: import("./app.js").View, scrollTop: number, leave: AbortController }} Kept */

/** So many are kept; those left longest ago go first. */
const MOST = 12;

export class KeptViews {
  /** @type {Map<string, Kept>} */
  #kept = new Map();

  /** @param {string} path */
  find(path) {
    return this.#kept.get(path) ?? null;
  }

  /** @param {string} path @param {Kept} kept */
  keep(path, kept) {
    this.#kept.delete(path); // the newest last
    this.#kept.set(path, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST) break;
      this.forget(oldest);
    }
  }

  /** Ends a view and all that it was doing. @param {string} path */
  forget(path) {
    this.#kept.get(path)?.leave.abort(new DOMException("The view is gone", "AbortError"));
    this.#kept.delete(path);
  }

  /** @param {(path: string) => boolean} [chosen] */
  clear(chosen = () => true) {
    for (const path of [...this.#kept.keys()]) if (chosen(path)) this.forget(path);
  }
}
