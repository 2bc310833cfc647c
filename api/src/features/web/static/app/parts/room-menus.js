// @ts-check
// What can be done with a room, and with a message in it.

import { button, el } from "../elements.js";
import { confirm, openDialog, openMenu, openReport } from "./dialogs.js";
import { personLine } from "./person.js";
import { PeoplePicker } from "./people-picker.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/chat.js").Room} Room */
/** @typedef {import("../../../client/chat.js").LogEntry} LogEntry */

/** @param {App} app @param {Room} room @param {(room: Room) => void} onChange */
export function openRoomMenu(app, room, onChange) {
  const { chat } = app.api;
  const leave = async () => {
    await chat.leave(room.id);
    app.tell("room-gone", room.id);
    app.go("/chat", { replace: true });
    app.forget((path) => path === `/room/${room.id}`);
  };
  const isGroup = room.kind === "group";
  openMenu(app, app.say("moreActions"), [
    { label: app.say(room.muted ? "unmuteRoom" : "muteRoom"), press: () => void app.attempt(async () => onChange(await chat.changeRoom(room.id, { muted: !room.muted }))) },
    isGroup ? { label: app.say("membersTitle"), press: () => void openMembers(app, room) } : null,
    isGroup ? { label: app.say("invite"), press: () => openInvite(app, room) } : null,
    { label: app.say("leave"), press: () => confirm(app, { title: app.say("leaveTitle"), text: app.say("leaveText"), label: app.say("leave") }, leave), isDangerous: true },
  ]);
}

/** @param {App} app @param {Room} room */
function openMembers(app, room) {
  return app.attempt(async () => {
    const { items } = await app.api.chat.listMembers(room.id, { limit: 100 });
    openDialog(app, app.say("membersTitle"), (close) => [el("div", { class: "people-list", onclick: close }, items.map((member) => personLine(app, member)))]);
  });
}

/** @param {App} app @param {Room} room */
function openInvite(app, room) {
  openDialog(app, app.say("invite"), (close) => {
    const picker = new PeoplePicker(app);
    const send = () =>
      app.attempt(async () => {
        for (const { id } of picker.chosen) await app.api.chat.invite(room.id, id);
        close();
      });
    return [picker.element, el("div", { class: "dialog-actions" }, button(app.say("cancel"), close), button(app.say("invite"), () => void send(), { class: "button primary" }))];
  });
}

/** @param {App} app @param {string} room @param {LogEntry} entry @param {string} me */
export function openMessageMenu(app, room, entry, me) {
  const mine = entry.sender === me;
  const { text } = entry;
  const remove = () => app.api.chat.deleteMessage(room, entry.seq);
  openMenu(app, app.say("moreActions"), [
    text ? { label: app.say("copy"), press: () => void app.attempt(() => navigator.clipboard.writeText(text)) } : null,
    mine ? { label: app.say("delete"), press: () => confirm(app, { title: app.say("deleteMessage"), text: app.say("deleteMessageText"), label: app.say("delete") }, remove), isDangerous: true } : null,
    mine ? null : { label: app.say("report"), press: () => openReport(app, (reason, description) => app.api.chat.reportMessage(room, entry.seq, { reason, description })), isDangerous: true },
  ]);
}
