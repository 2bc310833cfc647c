// @ts-check
// The rooms, those with the newest messages first, with the number of unread ones.

import { button, el, fill, heading, icon, show } from "../elements.js";
import { openDialog } from "../parts/dialogs.js";
import { emptiness, PagedList } from "../parts/list.js";
import { avatar } from "../parts/person.js";
import { PeoplePicker } from "../parts/people-picker.js";
import { previewText, roomFace, roomName } from "../parts/room-name.js";
import { view } from "../parts/single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/chat.js").Room} Room */

/** The list is read anew this long after a message, at most as often. */
const CALM_MS = 300;

/** @type {import("../app.js").MakeView} */
export default function makeChat(app, _params, signal) {
  const title = app.say("tab-chat");
  /** @type {PagedList<Room>} */
  const list = new PagedList({
    app,
    signal,
    label: title,
    load: (cursor, signal) => app.api.chat.listRooms({ cursor, limit: 30, signal }),
    render: (room) => row(app, room),
    key: ({ id }) => id,
    empty: () => emptiness(app.say("no-rooms"), app.say("no-rooms-text"), { label: app.say("search"), path: "/search" }),
    className: "rooms",
  });
  let shown = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  const changed = (/** @type {string} */ id) => {
    clearTimeout(soon);
    soon = setTimeout(() => shown && void bringUp(app, list, id, signal), CALM_MS);
  };
  app.hear("message", ({ room }) => changed(room), signal);
  app.hear("room-read", (room) => changed(room), signal);
  app.hear("room-gone", (room) => list.remove(room), signal);
  const start = button(app.say("new-group"), () => openGroupDialog(app), { icon: "icon-plus" });
  let left = false;
  return {
    element: view("chat-view", el("div", { class: "view-head" }, heading(title), start), list.element),
    title,
    onShow: () => {
      shown = true;
      if (left) void list.reload({ quietly: true });
    },
    onHide: () => {
      shown = false;
      left = true;
    },
    onAgain: () => void list.reload(),
  };
}

/** Puts a room where it belongs now: at the top. @param {App} app @param {PagedList<Room>} list @param {string} id @param {AbortSignal} signal */
async function bringUp(app, list, id, signal) {
  try {
    const room = await app.api.chat.getRoom(id, { signal });
    list.remove(id);
    list.add(room);
  } catch {
    // It stays as it was.
  }
}

/** @param {App} app @param {Room} room */
function row(app, room) {
  const name = roomName(app, room);
  const count = el("span", { class: "badge", "aria-hidden": true }, room.unread > 99 ? "99+" : String(room.unread));
  show(count, room.unread > 0);
  const told = room.unread > 0 ? el("span", { class: "visually-hidden" }, app.say("unread", { count: room.unread })) : null;
  const link = el(
    "a",
    { class: room.unread > 0 ? "room unread" : "room", href: `#/room/${room.id}` },
    avatar(roomFace(app, room)),
    el(
      "span",
      { class: "room-words" },
      el("span", { class: "room-name" }, name, room.kind === "group" ? el("span", { class: "fine" }, ` ${room.members}`) : null, room.muted ? icon("icon-mute", "icon muted") : null),
      el("span", { class: "room-preview cut-line" }, previewText(app, room.preview)),
    ),
    el("span", { class: "room-side" }, el("time", { class: "fine", datetime: room.lastAt }, app.words.ago(room.lastAt)), count, told),
  );
  return el("div", {}, link);
}

/** @param {App} app */
function openGroupDialog(app) {
  openDialog(app, app.say("new-group"), (close) => {
    const name = el("input", { class: "input", type: "text", maxlength: 60, required: true });
    const problem = el("p", { class: "problem", role: "alert" });
    const picker = new PeoplePicker(app);
    const form = el(
      "form",
      { class: "stack" },
      el("label", { class: "field" }, app.say("group-name"), name),
      picker.element,
      problem,
      el("div", { class: "dialog-actions" }, button(app.say("cancel"), close), el("button", { type: "submit", class: "button primary" }, app.say("create"))),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (picker.chosen.length === 0) return fill(problem, app.say("choose-people"));
      await app.attempt(async () => {
        const room = await app.api.chat.createGroup(name.value.trim(), picker.chosen.map(({ id }) => id));
        close();
        app.go(`/room/${room.id}`);
      });
    });
    return [form];
  });
}
