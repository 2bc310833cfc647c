// @ts-check
// What is known of a room's log: entries by number, messages on their way, who has read how far. Pure: no DOM, no network.

/** @typedef {import("../../client/chat.js").LogEntry} LogEntry */
/** @typedef {{ clientKey: string, text: string, pictures: string[], state: "sending" | "failed", error?: string }} Pending `pictures`: previews */

export class RoomLog {
  /** @type {Map<number, LogEntry>} */
  #entries = new Map();
  /** How far each member has read. @type {Map<string, number>} */
  #reads = new Map();
  /** @type {Pending[]} */
  pending = [];
  /** Whether there are older entries than the oldest here. */
  hasOlder = true;

  /** Messages, and what is said between them, in their order. */
  get entries() {
    const all = [...this.#entries.values()].sort((a, b) => a.seq - b.seq);
    /** @type {Map<number, LogEntry[]>} */
    const changes = new Map();
    for (const entry of all) {
      if (isChange(entry) && entry.target !== null) changes.set(entry.target, [...(changes.get(entry.target) ?? []), entry]);
    }
    return all.filter((entry) => !isChange(entry)).map((entry) => this.#changed(entry, changes.get(entry.seq) ?? []));
  }

  get oldest() {
    return this.#entries.size > 0 ? Math.min(...this.#entries.keys()) : null;
  }

  get newest() {
    return this.#entries.size > 0 ? Math.max(...this.#entries.keys()) : 0;
  }

  /**
   * Takes an entry, whichever way it came and however often.
   *
   * @param {LogEntry} entry
   * @returns {boolean} whether there is something to show
   */
  add(entry) {
    // What is kept may be newer: an entry that is read again is as it is now.
    const known = this.#entries.get(entry.seq);
    this.#entries.set(entry.seq, entry);
    this.pending = this.pending.filter(({ clientKey }) => clientKey !== entry.clientKey);
    if (entry.sender && isMessage(entry)) this.read(entry.sender, entry.seq);
    return !known || JSON.stringify(known) !== JSON.stringify(entry);
  }

  /**
   * An entry as what came later has changed it.
   *
   * @param {LogEntry} entry
   * @param {LogEntry[]} changes of it, in their order
   * @returns {LogEntry}
   */
  #changed(entry, changes) {
    let now = entry;
    for (const { kind, text, sentAt } of changes) {
      if (kind === "deleted") return { ...now, text: null, pictures: [], isDeleted: true };
      // One that was read with a later text keeps it.
      const isNews = !now.isDeleted && (!now.editedAt || Date.parse(now.editedAt) <= Date.parse(sentAt));
      if (isNews) now = { ...now, text, editedAt: sentAt };
    }
    return now;
  }

  /**
   * The number after which entries are missing; null where none are. Numbers have no gaps, and pages of older ones go on to
   * the newest.
   */
  get gap() {
    const known = [...this.#entries.keys()].sort((a, b) => a - b);
    const at = known.findIndex((seq, index) => index > 0 && seq !== known[index - 1] + 1);
    return at === -1 ? null : known[at - 1];
  }

  /** Notes that a member has read up to an entry; the mark never goes back. @param {string} user @param {number} seq */
  read(user, seq) {
    if (seq <= (this.#reads.get(user) ?? -1)) return false;
    this.#reads.set(user, seq);
    return true;
  }

  /** Whether everybody's marks are known, so that they can be counted here. */
  countsReads = false;

  /** How many members have not read an entry. @param {LogEntry} entry */
  unreadOf(entry) {
    if (!this.countsReads) return entry.unread;
    return [...this.#reads].filter(([user, seq]) => user !== entry.sender && seq < entry.seq).length;
  }

  /** Notes how many have not read some entries, as large rooms are told. @param {Record<string, number>} counts */
  count(counts) {
    let changed = false;
    for (const [seq, unread] of Object.entries(counts)) {
      const known = this.#entries.get(Number(seq));
      if (!known || known.unread === unread || !isMessage(known)) continue;
      this.#entries.set(known.seq, { ...known, unread });
      changed = true;
    }
    return changed;
  }

  /** @param {string} user */
  gone(user) {
    this.#reads.delete(user);
  }
}

/**
 * Whether two entries stand together: the same sender within some minutes.
 *
 * @param {LogEntry | undefined} before
 * @param {LogEntry} entry
 */
export function standsWith(before, entry) {
  if (!before || before.sender !== entry.sender || !isMessage(before) || !isMessage(entry)) return false;
  return Date.parse(entry.sentAt) - Date.parse(before.sentAt) < 3 * 60_000 && sameDay(before, entry);
}

/** @param {LogEntry | undefined} before @param {LogEntry} entry */
export function sameDay(before, entry) {
  return before !== undefined && new Date(before.sentAt).toDateString() === new Date(entry.sentAt).toDateString();
}

/** @param {LogEntry} entry */
export function isMessage({ kind }) {
  return kind === "text" || kind === "image";
}

/** @param {LogEntry} entry */
function isChange({ kind }) {
  return kind === "edited" || kind === "deleted";
}
