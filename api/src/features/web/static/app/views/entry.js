// @ts-check
// One entry of the diary.

import { button, el, heading } from "../elements.js";
import { carousel } from "../parts/carousel.js";
import { confirm } from "../parts/dialogs.js";
import { loadInto, view } from "../parts/single.js";
import { sleep } from "../../../client/http.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/posts.js").Entry} Entry */

/** Between looks at pictures that are being prepared, and how many. */
const LOOK_MS = 1500;
const LOOKS = 40;

/** @type {import("../app.js").MakeView} */
export default function makeEntry(app, { id }, signal) {
  const title = app.say("diary");
  const place = el("div", { class: "single" });
  const pictures = el("div", { class: "post-pictures" });
  const state = el("p", { class: "notice-line", role: "status" });
  const show = (/** @type {Entry} */ entry) => {
    pictures.replaceChildren(...[carousel(app, entry.pictures, { eager: true })].filter((one) => one !== null));
    state.hidden = entry.state === "ready";
    state.textContent = app.say(entry.state === "failed" ? "post-failed" : "entry-processing");
  };
  const watch = async (/** @type {Entry} */ entry) => {
    try {
      for (let look = 0; entry.state === "processing" && look < LOOKS; look += 1) {
        await sleep(LOOK_MS, signal);
        entry = await app.api.posts.getEntry(id, { signal });
      }
      show(entry);
    } catch {
      // The view is gone, or the entry.
    }
  };
  void loadInto({
    app,
    signal,
    place,
    load: (signal) => app.api.posts.getEntry(id, { signal }),
    render: (entry) => {
      show(entry);
      void watch(entry);
      return [article(app, entry, pictures, state)];
    },
  });
  return { element: view("entry-view", heading(title), place), title };
}

/** @param {App} app @param {Entry} entry @param {HTMLElement} pictures @param {HTMLElement} state */
function article(app, entry, pictures, state) {
  const remove = async () => {
    await app.api.posts.deleteEntry(entry.id);
    app.tell("entry-gone", entry.id);
    app.toast(app.say("deleted"));
    app.go("/diary", { replace: true });
  };
  const question = { title: app.say("delete-entry"), text: app.say("delete-post-text"), label: app.say("delete") };
  return el(
    "article",
    { class: "post card" },
    el("header", { class: "entry-head" }, el("h2", {}, entry.title), el("time", { class: "quiet", datetime: entry.createdAt }, app.words.day(entry.createdAt))),
    state,
    pictures,
    el("div", { class: "post-text" }, el("p", { class: "prose" }, entry.text)),
    el(
      "div",
      { class: "entry-acts" },
      el("a", { class: "button", href: `#/compose?diary&edit=${entry.id}` }, app.say("edit")),
      button(app.say("delete"), () => confirm(app, question, remove), { class: "button danger" }),
    ),
  );
}
