// @ts-check
// The messages of a room as elements: by days, by senders, with the line where the unread ones begin.

import { button, el, icon, local } from "../elements.js";
import { isMessage, sameDay, standsWith } from "../room-log.js";
import { avatar } from "./person.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../room-log.js").RoomLog} RoomLog */
/** @typedef {import("../room-log.js").Pending} Pending */
/** @typedef {import("../../../client/chat.js").LogEntry} LogEntry */
/** @typedef {import("../../../client/chat.js").Member} Member */

/** Draws the log, and keeps what has not changed. */
export class Messages {
  #app;
  #onRetry;
  #onMenu;
  /** Elements by entry, with what they were drawn from. @type {Map<string, { element: HTMLElement, of: string }>} */
  #drawn = new Map();
  /** @type {Map<string, Member>} */
  members = new Map();
  /** Whoever is here. */
  me = "";
  isGroup = false;
  /** The last entry that was read when the room was opened. */
  unreadAfter = Infinity;

  /**
   * @param {App} app
   * @param {{ onRetry: (pending: Pending) => void, onMenu: (entry: LogEntry) => void }} options
   */
  constructor(app, { onRetry, onMenu }) {
    this.#app = app;
    this.#onRetry = onRetry;
    this.#onMenu = onMenu;
    this.element = el("div", { class: "messages", role: "log", "aria-label": app.say("messages"), "aria-live": "polite", "aria-relevant": "additions" });
  }

  /** @param {RoomLog} log */
  render(log) {
    /** @type {HTMLElement[]} */
    const nodes = [];
    const keep = (/** @type {string} */ key, /** @type {unknown} */ from, /** @type {() => HTMLElement} */ draw) => {
      const of = JSON.stringify(from);
      const old = this.#drawn.get(key);
      const element = old?.of === of ? old.element : draw();
      this.#drawn.set(key, { element, of });
      nodes.push(element);
    };
    /** @type {LogEntry | undefined} */
    let before;
    let lineDrawn = false;
    for (const entry of log.entries) {
      if (!sameDay(before, entry)) keep(`day ${entry.seq}`, 0, () => el("p", { class: "day" }, this.#app.words.day(entry.sentAt)));
      if (!lineDrawn && entry.seq > this.unreadAfter && entry.sender !== this.me && isMessage(entry)) {
        lineDrawn = true;
        keep("unread", 0, () => el("p", { class: "unread-line" }, el("span", {}, this.#app.say("new-messages"))));
      }
      const withBefore = standsWith(before, entry);
      const unread = log.unreadOf(entry);
      const sender = this.#name(entry.sender);
      keep(`entry ${entry.seq}`, [entry, withBefore, unread, sender, this.#name(entry.subject)], () => this.#entry(entry, withBefore, unread, sender));
      before = entry;
    }
    for (const pending of log.pending) keep(`pending ${pending.clientKey}`, pending, () => this.#pending(pending));
    place(this.element, nodes);
  }

  /** @param {string | null} id */
  #name(id) {
    return (id && this.members.get(id)?.nickname) || this.#app.say("someone-gone");
  }

  /** @param {LogEntry} entry @param {boolean} withBefore @param {number} unread @param {string} sender */
  #entry(entry, withBefore, unread, sender) {
    const app = this.#app;
    if (!isMessage(entry)) return el("p", { class: "happened" }, this.#happened(entry, sender));
    const mine = entry.sender === this.me;
    const face = !mine && !withBefore ? this.members.get(entry.sender ?? "") : null;
    const marks = el(
      "span",
      { class: "marks" },
      unread > 0 ? el("span", { class: "unread-count", title: app.say("not-read", { count: unread }), "aria-label": app.say("not-read", { count: unread }), role: "img" }, String(unread)) : null,
      el("time", { datetime: entry.sentAt }, app.words.clock(entry.sentAt)),
      entry.editedAt ? el("span", {}, app.say("edited")) : null,
    );
    const more = entry.isDeleted ? null : button(app.say("more-actions"), () => this.#onMenu(entry), { icon: "icon-dots", iconOnly: true, class: "icon-button small message-more" });
    return el(
      "div",
      { class: `message${mine ? " mine" : ""}${withBefore ? " joined" : ""}`, "data-seq": entry.seq },
      mine ? null : el("span", { class: "message-face" }, face ? avatar(face) : null),
      el(
        "div",
        { class: "message-body" },
        !mine && !withBefore && this.isGroup ? el("p", { class: "message-sender" }, sender) : el("span", { class: "visually-hidden" }, mine ? app.say("you") : sender),
        el("div", { class: "message-line" }, this.#bubble(entry), marks, more),
      ),
    );
  }

  /** @param {LogEntry} entry */
  #bubble(entry) {
    if (entry.isDeleted) return el("p", { class: "bubble gone" }, this.#app.say("message-gone"));
    const pictures = entry.pictures.map(({ medium, large }, at) =>
      el("a", { href: local(large), target: "_blank", rel: "noopener" }, el("img", { src: local(medium), alt: this.#app.say("picture-of", { at: at + 1, total: entry.pictures.length }), loading: "lazy" })),
    );
    return el("div", { class: "bubbles" }, pictures.length > 0 ? el("div", { class: "bubble-pictures", "data-count": pictures.length }, pictures) : null, entry.text ? el("p", { class: "bubble" }, entry.text) : null);
  }

  /** @param {LogEntry} entry @param {string} sender */
  #happened({ kind, subject, text }, sender) {
    const name = this.#name(subject);
    const { say } = { say: this.#app.say.bind(this.#app) };
    if (kind === "joined") return say("happened-joined", { name });
    if (kind === "left") return say("happened-left", { name });
    if (kind === "removed") return say("happened-removed", { name });
    if (kind === "renamed") return say("happened-renamed", { name: sender, title: text ?? "" });
    return say("happened-picture", { name: sender });
  }

  /** @param {Pending} pending */
  #pending(pending) {
    const app = this.#app;
    const pictures = pending.pictures.map((url) => el("img", { src: url, alt: app.say("picture") }));
    const failed = pending.state === "failed";
    const bubble = el("div", { class: "bubbles" }, pictures.length > 0 ? el("div", { class: "bubble-pictures", "data-count": pictures.length }, pictures) : null, pending.text ? el("p", { class: "bubble" }, pending.text) : null);
    const state = failed
      ? el("span", { class: "marks danger" }, pending.error ?? app.say("not-sent"), button(app.say("retry"), () => this.#onRetry(pending), { class: "text-button" }))
      : el("span", { class: "marks" }, icon("icon-clock"), el("span", { class: "visually-hidden" }, app.say("sending")));
    return el("div", { class: "message mine pending", "data-key": pending.clientKey }, el("div", { class: "message-body" }, el("div", { class: "message-line" }, bubble, state)));
  }
}

/** Puts nodes in order, touching only what is not in its place. @param {HTMLElement} parent @param {HTMLElement[]} nodes */
function place(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(/** @type {HTMLElement} */ (child))) child.remove();
  nodes.forEach((node, at) => {
    if (parent.children[at] !== node) parent.insertBefore(node, parent.children[at] ?? null);
  });
}

