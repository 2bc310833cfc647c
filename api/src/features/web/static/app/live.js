// @ts-check
// What happens while the page is open: notices by server-sent events, messages by Socket.IO; and the numbers on the badges.

import { followNotices } from "../../client/follow-notices.js";
import { ApiError } from "../../client/http.js";
import { idOf } from "../words.js";
import { ChatLine } from "./chat-line.js";

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../../client/notices.js").Notice} Notice */

/** Rooms whose unread messages the badge counts. */
const ROOMS = 100;
/** Between looks whether a server that could not be reached can be again. */
const LOOK_MS = 5000;

export class Live {
  #app;
  #stop = new AbortController();
  /** Fires `wake` when a pause has lost its reason: the network is back, or the person is. */
  #wake = new EventTarget();
  #unreadNotices = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #nextLook;
  /** Unread messages by room. @type {Map<string, number>} */
  #unreadRooms = new Map();
  /** The room that is on show: what comes there is read. @type {string | null} */
  #openRoom = null;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.line = new ChatLine(app);
  }

  start() {
    addEventListener("online", () => this.#wake.dispatchEvent(new Event("wake")));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#wake.dispatchEvent(new Event("wake"));
    });
    const forever = new AbortController().signal;
    this.#app.hear("message", ({ room, entry, own }) => this.#message(room, entry, own), forever);
    this.#app.hear("line", ({ connected }) => connected && void this.refreshRooms(), forever);
    this.restart();
  }

  /** Begins anew, for whoever is here now. */
  restart() {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    void this.refreshNotices();
    void this.refreshRooms();
    const options = { signal, wake: this.#wake, onNotice: (/** @type {Notice} */ notice) => this.#notice(notice), onResume: () => void this.refreshNotices() };
    followNotices(this.#app.api, options).catch((error) => {
      if (!(error instanceof ApiError)) throw error;
    });
    this.line.restart();
  }

  /** Reads how many notices are unread; which also shows whether the server can be reached. */
  async refreshNotices() {
    clearTimeout(this.#nextLook);
    try {
      this.setUnreadNotices((await this.#app.api.notices.list({ limit: 1, attempts: 1 })).unread);
      this.#app.tell("reach", true);
    } catch (error) {
      // The badge is a convenience; the list says what else is wrong.
      if (!(error instanceof ApiError) || error.status !== 0) return;
      this.#app.tell("reach", false);
      this.#nextLook = setTimeout(() => void this.refreshNotices(), LOOK_MS);
    }
  }

  /** @param {number} count */
  setUnreadNotices(count) {
    this.#unreadNotices = Math.max(0, count);
    this.#app.tell("badge", { tab: "notices", count: this.#unreadNotices });
  }

  get unreadNotices() {
    return this.#unreadNotices;
  }

  /** Reads how many messages are unread. */
  async refreshRooms() {
    try {
      const { items } = await this.#app.api.chat.listRooms({ limit: ROOMS });
      this.#unreadRooms = new Map(items.filter(({ muted }) => !muted).map(({ id, unread }) => [id, unread]));
      this.#count();
    } catch {
      // As above.
    }
  }

  /** Says which room is on show; its messages are read. @param {string | null} id */
  setOpenRoom(id) {
    this.#openRoom = id;
    if (id) this.setUnread(id, 0);
  }

  /** @param {string} room @param {number} unread */
  setUnread(room, unread) {
    this.#unreadRooms.set(room, unread);
    this.#count();
  }

  #count() {
    const count = [...this.#unreadRooms.values()].reduce((sum, unread) => sum + unread, 0);
    this.#app.tell("badge", { tab: "chat", count });
  }

  /** @param {string} room @param {import("../../client/chat.js").LogEntry} _entry @param {boolean} own */
  #message(room, _entry, own) {
    if (own || (room === this.#openRoom && !document.hidden)) return;
    this.setUnread(room, (this.#unreadRooms.get(room) ?? 0) + 1);
  }

  /** @param {Notice} notice */
  #notice(notice) {
    // Messages have a badge of their own.
    this.#app.tell("notice", notice);
    void this.refreshNotices();
    const text = notice.type === "chat.message" ? null : noticeText(this.#app, notice);
    if (text) this.#app.announce(text);
  }
}

/** What a notice says. @param {App} app @param {Notice} notice */
export function noticeText(app, { type, actor, others }) {
  const name = actor.nickname;
  const who = others > 0 ? app.say("and-others", { name, count: others }) : app.say("who", { name });
  return app.words.find(idOf("notice", type), { who }) ?? app.say("notice-unknown", { name });
}
