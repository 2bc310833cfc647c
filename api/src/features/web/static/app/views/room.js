// @ts-check
// A room: its messages as they come, what one writes, who is typing, who has read how far.

import { button, el, fill, heading } from "../elements.js";
import { failure } from "../parts/list.js";
import { MessageForm } from "../parts/message-form.js";
import { Messages } from "../parts/messages.js";
import { openMessageMenu, openRoomMenu } from "../parts/room-menus.js";
import { roomFace, roomName } from "../parts/room-name.js";
import { avatar } from "../parts/person.js";
import { RoomLine } from "../parts/room-line.js";
import { view } from "../parts/single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/chat.js").Room} Room */

/** So near the end one counts as reading along. */
const NEAR_PX = 120;
/** So near the beginning older messages are fetched. */
const OLDER_PX = 400;
const TYPING_MS = 6000;

/** @type {import("../app.js").MakeView} */
export default function makeRoom(app, { id }, signal) {
  const room = new RoomView(app, id, signal);
  return { element: room.element, title: app.say("tab-chat"), onShow: () => room.shown(), onHide: () => room.hidden() };
}

class RoomView {
  #app;
  #id;
  #signal;
  #line;
  #messages;
  #form;
  #title = heading("");
  #head = el("header", { class: "room-head" });
  #status = el("p", { class: "room-status fine", role: "status" });
  #scroller;
  #older = el("div", { class: "list-state" });
  #state = el("div", { class: "list-state" });
  #isShown = false;
  #isFetching = false;
  /** Who is typing, and until when. @type {Map<string, ReturnType<typeof setTimeout>>} */
  #typing = new Map();
  /** @type {Room | null} */
  #room = null;

  /** @param {App} app @param {string} id @param {AbortSignal} signal */
  constructor(app, id, signal) {
    this.#app = app;
    this.#id = id;
    this.#signal = signal;
    this.#line = new RoomLine(app, id, signal, () => this.#render());
    this.#messages = new Messages(app, { onRetry: (pending) => void this.#line.retry(pending), onMenu: (entry) => openMessageMenu(app, id, entry, this.#messages.me) });
    this.#form = new MessageForm(app, { onSend: (message) => this.#send(message), onTyping: (typing) => app.live.line.typing(id, typing) });
    this.#scroller = el("div", { class: "room-scroller", tabindex: "0", role: "region", "aria-label": app.say("messages"), onscroll: () => this.#scrolled() }, this.#older, this.#messages.element, this.#state);
    this.element = view("room-view", this.#head, this.#scroller, this.#status, this.#form.element);
    fill(this.#head, this.#title);
    app.hear("typing", (event) => event.room === id && this.#typed(event), signal);
    app.hear("line", () => this.#sayStatus(), signal);
    document.addEventListener("visibilitychange", () => this.#readAlong(), { signal });
    void this.#load();
  }

  async #load() {
    const app = this.#app;
    try {
      const [me, room] = await Promise.all([app.me(), app.api.chat.getRoom(this.#id, { signal: this.#signal })]);
      this.#room = room;
      this.#messages.me = me.id;
      this.#messages.isGroup = room.kind === "group";
      this.#messages.unreadAfter = room.unread > 0 ? room.readSeq : Infinity;
      this.#showHead(room);
      this.#form.setClosed(room.kind === "direct" && room.peer === null);
      this.#messages.members = await this.#line.begin();
      fill(this.#state);
      this.#render();
      this.#scrollToStart();
      this.#readAlong();
    } catch (error) {
      if (!this.#signal.aborted) fill(this.#state, failure(app, error, () => void this.#load()));
    }
  }

  /** @param {Room} room */
  #showHead(room) {
    const app = this.#app;
    const name = roomName(app, room);
    this.#title.textContent = name;
    if (this.#isShown) document.title = `${name} · ToneUp`;
    const back = el("a", { class: "icon-button", href: "#/chat", "aria-label": app.say("back") });
    back.append(...button("", () => {}, { icon: "icon-back" }).childNodes);
    const face = room.peer ? el("a", { href: `#/people/${room.peer.id}`, "aria-label": app.say("profile") }, avatar(roomFace(app, room))) : avatar(roomFace(app, room));
    const menu = button(app.say("more-actions"), () => openRoomMenu(app, this.#room ?? room, this.#messages.me, (changed) => ((this.#room = changed), this.#showHead(changed))), { icon: "icon-dots", iconOnly: true });
    fill(this.#head, back, face, this.#title, room.kind === "group" ? el("span", { class: "fine" }, app.say("members", { count: room.members })) : null, menu);
  }

  shown() {
    this.#isShown = true;
    document.body.classList.add("in-room");
    this.#app.live.setOpenRoom(this.#id);
    if (this.#room) {
      document.title = `${roomName(this.#app, this.#room)} · ToneUp`;
      void this.#line.catchUp();
      this.#scrollToEnd();
    }
    this.#readAlong();
  }

  hidden() {
    this.#isShown = false;
    document.body.classList.remove("in-room");
    this.#app.live.setOpenRoom(null);
    // What was new has been seen.
    this.#messages.unreadAfter = Infinity;
  }

  #render() {
    const { scrollHeight, scrollTop } = this.#scroller;
    const followed = this.#isNearEnd();
    const oldest = this.#messages.element.firstElementChild;
    this.#messages.render(this.#line.log);
    if (followed) this.#scrollToEnd();
    // Older messages came in above: what one reads stays where it is.
    else if (oldest !== this.#messages.element.firstElementChild) this.#scroller.scrollTop = scrollTop + this.#scroller.scrollHeight - scrollHeight;
    this.#readAlong();
  }

  #isNearEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #scrollToStart() {
    const line = this.#messages.element.querySelector(".unread-line");
    if (line instanceof HTMLElement && line.offsetTop > 0) this.#scroller.scrollTop = Math.max(0, line.offsetTop - 80);
    else this.#scrollToEnd();
  }

  #scrolled() {
    this.#readAlong();
    if (this.#scroller.scrollTop < OLDER_PX) void this.#fetchOlder();
  }

  async #fetchOlder() {
    if (this.#isFetching || !this.#line.log.hasOlder || !this.#room) return;
    this.#isFetching = true;
    fill(this.#older, el("span", { class: "spinner", "aria-hidden": true }));
    try {
      await this.#line.fetchOlder();
      fill(this.#older);
    } catch (error) {
      if (!this.#signal.aborted) fill(this.#older, failure(this.#app, error, () => void this.#fetchOlder()));
    } finally {
      this.#isFetching = false;
    }
  }

  /** What is in view has been read. */
  #readAlong() {
    if (!this.#isShown || document.hidden || !this.#room || !this.#isNearEnd()) return;
    this.#line.markRead();
  }

  /** @param {{ text: string, pictures: { file: File, url: string }[] }} message */
  #send(message) {
    this.#line.send(message);
    this.#scrollToEnd();
  }

  /** @param {{ user: string, typing: boolean }} event */
  #typed({ user, typing }) {
    if (user === this.#messages.me) return;
    clearTimeout(this.#typing.get(user));
    this.#typing.delete(user);
    if (typing) {
      const end = () => (this.#typing.delete(user), this.#sayStatus());
      this.#typing.set(user, setTimeout(end, TYPING_MS));
    }
    this.#sayStatus();
  }

  /** Who is typing; or that the line is being taken up again. */
  #sayStatus() {
    const names = [...this.#typing.keys()].map((id) => this.#messages.members.get(id)?.nickname ?? "").filter(Boolean);
    const line = this.#app.live.line;
    const text = names.length > 0 ? this.#app.say("is-typing", { names: names.join(", ") }) : line.isConnected ? "" : this.#app.say("reconnecting");
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }
}
