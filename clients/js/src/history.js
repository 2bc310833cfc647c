// @ts-check
// What a follower knows of the history, so that it can tell from the list what has ended since.

import { isFinished } from "./api.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Analysis} Analysis */

/** The server's largest page. */
const PAGE = 100;
/** Rows of the last moments may still become visible behind those that are: by so much are times taken less strictly. */
const MARGIN_MS = 60_000;
/** More ended ones than these are remembered only for as long as their times do not tell. */
const KEPT = 1000;

/**
 * Compares times of the server's only with each other: the clock here may be wrong.
 */
export class History {
  /** The last state told or known of each analysis. @type {Map<string, Pick<Analysis, "version" | "status" | "finishedAt" | "queuePosition">>} */
  #known = new Map();
  #unfinished = new Set();
  /** Of those that are not known, what ended earlier was told, or is older than the follower. */
  #sinceMs = -Infinity;
  /** The walk through the list may end here: what lies behind is known, except for how the unfinished went on. @type {string | null} */
  #anchor = null;

  /** The one that has waited longest. @returns {string | undefined} */
  get oldestUnfinished() {
    return [...this.#unfinished].sort()[0];
  }

  /**
   * Takes what is there for known, as the follower starts now.
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
   * Notes that an analysis was told, or need not be.
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
   * Notes that all that ended before this one was told: it has a number, and events are told in the order of their numbers.
   *
   * @param {Analysis} analysis
   */
  noteNumbered(analysis) {
    this.note(analysis);
    this.#raise([analysis.finishedAt]);
  }

  /** Tells whether a newer state was told before, or this end. @param {Analysis} analysis */
  isOld(analysis) {
    const known = this.#known.get(analysis.id);
    if (!known) return false;
    const ahead = (known.version ?? 0) - (analysis.version ?? 0);
    return ahead > 0 || (ahead === 0 && isFinished(known));
  }

  /**
   * Reads the list, and gives what changed since the last time: ends in their order, then what is active.
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
   * Reads pages as far back as something may have changed: the first time to the end.
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
