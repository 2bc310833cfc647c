// @ts-check
// The state a follower last reported of each analysis, and the search of the list for what changed since.

import { isFinished } from "./api.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Analysis} Analysis */

/** The server's largest page. */
const PAGE = 100;
/** Tolerance of time comparisons: a row may become visible a moment after newer ones. */
const MARGIN_MS = 60_000;
/** Ended analyses kept in memory before those older than `#sinceMs` are dropped. */
const KEPT = 1000;

/** Finds unreported changes in the list. Server times are compared with server times only: the local clock may be wrong. */
export class History {
  /**
   * The last reported state of each analysis.
   *
   * @type {Map<string, Pick<Analysis, "version" | "status" | "finishedAt" | "queuePosition">>}
   */
  #known = new Map();
  #unfinished = new Set();
  /** An analysis missing from `#known` that ended before this time was reported, or had ended before the follower started. */
  #sinceMs = -Infinity;
  /**
   * The analysis at which a walk through the list may stop: behind it only the unfinished ones can have changed.
   *
   * @type {string | null}
   */
  #anchor = null;

  /** The oldest unfinished analysis. @returns {string | undefined} */
  get oldestUnfinished() {
    return [...this.#unfinished].sort()[0];
  }

  /**
   * Marks the present state as reported: the follower starts now.
   *
   * @param {Api} api
   * @param {AbortSignal} signal
   */
  async begin(api, signal) {
    const { items } = await api.listAnalyses({ limit: PAGE, attempts: 1, signal });
    for (const analysis of items) this.note(analysis);
    const times = items.flatMap(({ createdAt, startedAt, finishedAt }) => [createdAt, startedAt, finishedAt]);
    this.#raise(times);
  }

  /**
   * Marks the state of an analysis as reported.
   *
   * @param {Analysis} analysis
   */
  note({ id, version, status, finishedAt, queuePosition }) {
    const ended = isFinished({ status });
    this.#known.delete(id); // the newest last
    this.#known.set(id, { version, status, finishedAt, queuePosition });
    if (ended) this.#unfinished.delete(id);
    else this.#unfinished.add(id);
  }

  /**
   * Marks the end of an analysis, and all earlier ends, as reported: numbered events arrive in the order of the ends.
   *
   * @param {Analysis} analysis
   */
  noteNumbered(analysis) {
    this.note(analysis);
    this.#raise([analysis.finishedAt]);
  }

  /** Whether a newer state, or this very end, has been reported. @param {Analysis} analysis */
  isOld(analysis) {
    const known = this.#known.get(analysis.id);
    if (!known) return false;
    const ahead = (known.version ?? 0) - (analysis.version ?? 0);
    return ahead > 0 || (ahead === 0 && isFinished(known));
  }

  /**
   * Reads the list and yields the unreported changes: ends in their order, then active analyses.
   *
   * @param {Api} api
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<Analysis, void, void>}
   */
  async *news(api, signal) {
    const seen = await this.#walk(api, signal);
    const news = seen.filter((analysis) => this.#isNews(analysis));
    const rank = (/** @type {Analysis} */ { finishedAt }) => (finishedAt ? Date.parse(finishedAt) : Infinity);
    for (const analysis of news.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))) {
      yield analysis;
      this.note(analysis);
    }
    const newestMs = Math.max(...seen.map(({ createdAt }) => Date.parse(createdAt)));
    this.#anchor = seen.find(({ createdAt }) => Date.parse(createdAt) <= newestMs - MARGIN_MS)?.id ?? this.#anchor;
    this.#raise(seen.map(({ finishedAt }) => finishedAt));
  }

  /**
   * Reads the pages that may hold changes; on the first walk, all of them.
   *
   * @param {Api} api
   * @param {AbortSignal} signal
   */
  async #walk(api, signal) {
    /** @type {Analysis[]} */
    const seen = [];
    const awaited = new Set(this.#unfinished);
    let behind = false;
    /** @type {string | null} */
    let cursor = null;
    do {
      /** @type {{ items: Analysis[], nextCursor: string | null }} */
      const page = await api.listAnalyses({ limit: PAGE, cursor, attempts: 1, signal });
      for (const analysis of page.items) {
        seen.push(analysis);
        awaited.delete(analysis.id);
        behind ||= analysis.id === this.#anchor;
      }
      cursor = page.nextCursor;
    } while (cursor !== null && !(behind && awaited.size === 0));
    for (const id of awaited) this.#unfinished.delete(id); // deleted by their owner
    return seen;
  }

  /** @param {Analysis} analysis */
  #isNews(analysis) {
    const known = this.#known.get(analysis.id);
    const { version = 0, queuePosition, finishedAt } = analysis;
    if (!isFinished(analysis)) return version !== known?.version || queuePosition !== known.queuePosition;
    if (known) return !this.isOld(analysis);
    return !(Date.parse(finishedAt ?? "") < this.#sinceMs);
  }

  /** @param {(string | null | undefined)[]} times */
  #raise(times) {
    for (const time of times) {
      const ms = Date.parse(time ?? "") - MARGIN_MS;
      if (ms > this.#sinceMs) this.#sinceMs = ms;
    }
    if (this.#known.size - this.#unfinished.size <= KEPT) return;
    for (const [id, { finishedAt }] of this.#known) {
      if (Date.parse(finishedAt ?? "") < this.#sinceMs) this.#known.delete(id);
    }
  }
}
