// @ts-check
// A room's log and how it is kept up: pages from the server, what arrives on the line, what is sent.

import { uuid } from "../../../client/api.js";
import { ApiError } from "../../../client/http.js";
import { RoomLog } from "../room-log.js";
import { uploadPicture } from "./upload.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../room-log.js").Pending} Pending */
/** @typedef {import("../../../client/chat.js").Member} Member */

const PAGE = 50;
/** Members of a room up to this many are read, to count who has read what. */
const MEMBERS = 100;
/** Without a line the log is read this often. */
const POLL_MS = 4000;
/** The mark of what was read is sent this long after, once for all that came meanwhile. */
const MARK_MS = 300;

export class RoomLine {
  log = new RoomLog();
  #app;
  #room;
  #signal;
  #onChange;
  /** Files of messages that are on their way. @type {Map<string, { files: File[], keys: string[] }>} */
  #sending = new Map();
  #marked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #marking;
  /** @type {Map<string, Member>} */
  #members = new Map();

  /** @param {App} app @param {string} room @param {AbortSignal} signal @param {() => void} onChange */
  constructor(app, room, signal, onChange) {
    this.#app = app;
    this.#room = room;
    this.#signal = signal;
    this.#onChange = onChange;
  }

  /** Reads the newest messages and the members, and listens from then on. */
  async begin() {
    const { chat } = this.#app.api;
    const [page, members] = await Promise.all([
      chat.listEntries(this.#room, { limit: PAGE, signal: this.#signal }),
      chat.listMembers(this.#room, { limit: MEMBERS, signal: this.#signal }),
    ]);
    this.#takeMembers(members);
    this.log.hasOlder = page.more;
    for (const entry of page.items) this.log.add(entry);
    this.#app.live.line.know(this.#room, page.lastSeq);
    this.#listen();
    return this.#members;
  }

  #listen() {
    const app = this.#app;
    const here = (/** @type {(event: any) => void} */ listener) => (/** @type {any} */ event) => event.room === this.#room && listener(event);
    app.hear("entry", here(({ entry }) => this.#take(entry)), this.#signal);
    app.hear("read", here(({ user, seq }) => this.log.read(user, seq) && this.#onChange()), this.#signal);
    app.hear("unread", here(({ unread }) => this.log.count(unread) && this.#onChange()), this.#signal);
    app.hear("line", ({ connected }) => connected && void this.catchUp(), this.#signal);
    const poll = setInterval(() => !app.live.line.isConnected && !document.hidden && void this.catchUp(), POLL_MS);
    this.#signal.addEventListener("abort", () => clearInterval(poll), { once: true });
  }

  /** @param {import("../../../client/chat.js").LogEntry} entry */
  #take(entry) {
    if (this.#isFar(entry)) return void this.catchUp();
    const changed = this.log.add(entry);
    if (entry.kind === "left" || entry.kind === "removed") this.log.gone(entry.subject ?? "");
    if (entry.kind === "joined") void this.#readMembers();
    if (changed) this.#onChange();
    if (this.log.gap !== null) void this.catchUp();
  }

  /** Whether entries between the newest known and this are missing. @param {import("../../../client/chat.js").LogEntry} entry */
  #isFar(entry) {
    return entry.seq > this.log.newest + 1;
  }

  /** Reads what came since the newest that is known. */
  async catchUp() {
    try {
      for (let more = true; more; ) {
        const after = this.log.gap ?? this.log.newest;
        const page = await this.#app.api.chat.listEntries(this.#room, { after, limit: 100, signal: this.#signal, attempts: 1 });
        const changed = page.items.map((entry) => this.log.add(entry)).some(Boolean);
        if (changed) this.#onChange();
        more = page.more && page.items.length > 0;
      }
    } catch {
      // The next message, the line or the next look tries again.
    }
  }

  async fetchOlder() {
    const before = this.log.oldest ?? undefined;
    const page = await this.#app.api.chat.listEntries(this.#room, { before, limit: PAGE, signal: this.#signal });
    this.log.hasOlder = page.more;
    for (const entry of page.items) this.log.add(entry);
    this.#onChange();
  }

  async #readMembers() {
    try {
      this.#takeMembers(await this.#app.api.chat.listMembers(this.#room, { limit: MEMBERS, signal: this.#signal }));
      this.#onChange();
    } catch {
      // Their names come with the next look.
    }
  }

  /** @param {{ items: Member[], nextCursor: string | null }} page */
  #takeMembers({ items, nextCursor }) {
    for (const member of items) {
      this.#members.set(member.id, member);
      this.log.read(member.id, member.readSeq);
    }
    this.log.countsReads = nextCursor === null;
  }

  /** Says that everything that is here has been read. */
  markRead() {
    const seq = this.log.newest;
    if (seq <= this.#marked) return;
    this.#marked = seq;
    this.#app.live.setUnread(this.#room, 0);
    clearTimeout(this.#marking);
    this.#marking = setTimeout(() => {
      this.#app.api.chat.markRead(this.#room, seq).then(
        () => this.#app.tell("room-read", this.#room),
        () => (this.#marked = 0),
      );
    }, MARK_MS);
  }

  /** @param {{ text: string, pictures: { file: File, url: string }[] }} message */
  send({ text, pictures }) {
    const clientKey = uuid();
    /** @type {Pending} */
    const pending = { clientKey, text, pictures: pictures.map(({ url }) => url), state: "sending" };
    this.#sending.set(clientKey, { files: pictures.map(({ file }) => file), keys: [] });
    this.log.pending.push(pending);
    void this.#push(pending);
  }

  /** @param {Pending} pending */
  retry(pending) {
    return this.#push(pending);
  }

  /** @param {Pending} pending */
  async #push(pending) {
    this.#setPending(pending, { state: "sending", error: undefined });
    const { files, keys } = this.#sending.get(pending.clientKey) ?? { files: [], keys: [] };
    try {
      // What is up stays up: trying again goes on with the rest.
      while (keys.length < files.length) keys.push(await uploadPicture(this.#app, files[keys.length]));
      const { text, clientKey } = pending;
      const message = { clientKey, ...(text ? { text } : {}), ...(keys.length > 0 ? { pictures: keys } : {}) };
      const { seq } = await this.#app.api.chat.send(this.#room, message);
      this.#sending.delete(clientKey);
      // It arrives on the line by itself; without one it is fetched.
      if (this.log.newest < seq) await this.catchUp();
    } catch (error) {
      const text = error instanceof ApiError && error.status > 0 ? this.#app.explain(error) : this.#app.say("not-sent");
      this.#setPending(pending, { state: "failed", error: text });
    }
  }

  /** @param {Pending} pending @param {Partial<Pending>} change */
  #setPending({ clientKey }, change) {
    this.log.pending = this.log.pending.map((one) => (one.clientKey === clientKey ? { ...one, ...change } : one));
    this.#onChange();
  }
}
