// @ts-check
// What can be done with a room, and with a message in it.

import { ApiError } from "../../../client/http.js";
import { WHOLE } from "../crop-geometry.js";
import { button, el, fill } from "../elements.js";
import { cropped, openCropper } from "./cropper.js";
import { confirm, openDialog, openMenu, openReport } from "./dialogs.js";
import { personLine } from "./person.js";
import { PeoplePicker } from "./people-picker.js";
import { uploadPicture } from "./upload.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/chat.js").Room} Room */
/** @typedef {import("../../../client/chat.js").LogEntry} LogEntry */

const MOST_CHARACTERS = 4000;

/** @param {App} app @param {Room} room @param {string} me @param {(room: Room) => void} onChange */
export function openRoomMenu(app, room, me, onChange) {
  const { chat } = app.api;
  const leave = async () => {
    await chat.leave(room.id);
    app.tell("room-gone", room.id);
    app.go("/chat", { replace: true });
    app.forget((path) => path === `/room/${room.id}`);
  };
  const isGroup = room.kind === "group";
  openMenu(app, app.say("more-actions"), [
    { label: app.say(room.muted ? "unmute-room" : "mute-room"), press: () => void app.attempt(async () => onChange(await chat.changeRoom(room.id, { muted: !room.muted }))) },
    isGroup ? { label: app.say("members-title"), press: () => void openMembers(app, room) } : null,
    isGroup ? { label: app.say("invite"), press: () => openInvite(app, room) } : null,
    { label: app.say("search-room"), press: () => openSearch(app, room.id) },
    isGroup && room.owner === me ? { label: app.say("room-picture"), press: () => choosePicture(app, room.id, onChange) } : null,
    { label: app.say("leave"), press: () => confirm(app, { title: app.say("leave-title"), text: app.say("leave-text"), label: app.say("leave") }, leave), isDangerous: true },
  ]);
}

/** @param {App} app @param {Room} room */
function openMembers(app, room) {
  return app.attempt(async () => {
    const { items } = await app.api.chat.listMembers(room.id, { limit: 100 });
    openDialog(app, app.say("members-title"), (close) => [el("div", { class: "people-list", onclick: close }, items.map((member) => personLine(app, member)))]);
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

/** Asks for a picture of a group, and which part of it. @param {App} app @param {string} room @param {(room: Room) => void} onChange */
function choosePicture(app, room, onChange) {
  const input = el("input", { type: "file", accept: "image/*", "aria-label": app.say("room-picture") });
  const choose = async (/** @type {File} */ file) => {
    const image = await createImageBitmap(file).catch((cause) => {
      throw new ApiError({ code: "NOT_AN_IMAGE", status: 422, cause });
    });
    openCropper(app, image, { ...WHOLE, shape: "square" }, (crop) => {
      void app.attempt(async () => {
        app.toast(app.say("processing-short"));
        const key = await uploadPicture(app, await cropped(image, crop));
        onChange(await app.api.chat.setPicture(room, key));
        app.toast(app.say("saved"));
      });
    });
  };
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file) void app.attempt(() => choose(file));
  });
  input.click();
}

/** Searches the messages of a room. @param {App} app @param {string} room */
function openSearch(app, room) {
  openDialog(app, app.say("search-room"), () => {
    const input = el("input", { class: "input", type: "search", maxlength: 100, "aria-label": app.say("search-room") });
    const found = el("ol", { class: "found-messages", role: "list", "aria-live": "polite" });
    const foot = el("div", { class: "list-state" });
    /** The latest search; what an earlier one finds is not shown. */
    let turn = 0;
    const search = (/** @type {string} */ text, /** @type {number | undefined} */ before) =>
      app.attempt(async () => {
        const own = (turn += 1);
        if (before === undefined) fill(found);
        const page = await app.api.chat.search(room, text, { before });
        if (own !== turn) return;
        found.append(...page.items.map((entry) => el("li", { class: "found-message" }, el("time", { class: "fine", datetime: entry.sentAt }, `${app.words.day(entry.sentAt)} ${app.words.clock(entry.sentAt)}`), el("p", {}, entry.text ?? ""))));
        const next = page.nextBefore;
        const more = next === null ? null : button(app.say("search-older"), () => void search(text, next), { class: "button" });
        fill(foot, found.children.length === 0 ? el("p", { class: "fine" }, app.say("nothing-found")) : null, more);
      });
    const form = el("form", {}, input);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (text) void search(text, undefined);
    });
    return [form, found, foot];
  });
}

/** Asks for another text of a message. @param {App} app @param {string} room @param {number} seq @param {string} text */
function openEdit(app, room, seq, text) {
  openDialog(app, app.say("edit-message"), (close) => {
    const input = el("textarea", { class: "input", rows: 4, maxlength: MOST_CHARACTERS, "aria-label": app.say("edit-message") });
    input.value = text;
    const form = el("form", {}, input, el("div", { class: "dialog-actions" }, button(app.say("cancel"), close), el("button", { type: "submit", class: "button primary" }, app.say("save"))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const changed = input.value.trim();
      if (changed === "" || changed === text) return close();
      void app.attempt(async () => {
        await app.api.chat.editMessage(room, seq, changed);
        close();
      });
    });
    return [form];
  });
}

/** @param {App} app @param {string} room @param {LogEntry} entry @param {string} me */
export function openMessageMenu(app, room, entry, me) {
  const mine = entry.sender === me;
  const { text } = entry;
  const remove = () => app.api.chat.deleteMessage(room, entry.seq);
  openMenu(app, app.say("more-actions"), [
    text ? { label: app.say("copy"), press: () => void app.attempt(() => navigator.clipboard.writeText(text)) } : null,
    mine && text ? { label: app.say("edit"), press: () => openEdit(app, room, entry.seq, text) } : null,
    mine ? { label: app.say("delete"), press: () => confirm(app, { title: app.say("delete-message"), text: app.say("delete-message-text"), label: app.say("delete") }, remove), isDangerous: true } : null,
    mine ? null : { label: app.say("report"), press: () => openReport(app, (reason, description) => app.api.chat.reportMessage(room, entry.seq, { reason, description })), isDangerous: true },
  ]);
}
