// @ts-check
// The diary: entries that nobody but their author sees.

import { el, heading, icon, local } from "../elements.js";
import { emptiness, PagedList } from "../parts/list.js";
import { view } from "../parts/single.js";

/** @typedef {import("../../../client/posts.js").Entry} Entry */

/** @type {import("../app.js").MakeView} */
export default function makeDiary(app, _params, signal) {
  const title = app.say("diary");
  /** @type {PagedList<Entry>} */
  const list = new PagedList({
    app,
    signal,
    label: title,
    load: (cursor, signal) => app.api.posts.listEntries({ cursor, signal }),
    render: (entry) => entryCard(app, entry),
    key: ({ id }) => id,
    empty: () => emptiness(app.say("diary-empty"), app.say("diary-empty-text"), { label: app.say("write-entry"), path: "/compose?diary" }),
    className: "diary-list",
  });
  const write = el("a", { class: "button primary", href: "#/compose?diary" }, icon("icon-plus"), app.say("write-entry"));
  app.hear("entry-gone", (id) => list.remove(id), signal);
  const head = el("div", { class: "view-head" }, heading(title), write);
  return { element: view("diary-view", head, el("p", { class: "quiet" }, app.say("diary-private")), list.element), title, onAgain: () => void list.reload() };
}

/** @param {import("../app.js").App} app @param {Entry} entry */
function entryCard(app, entry) {
  const [first] = entry.pictures;
  const picture = first?.picture ? el("img", { src: local(first.picture.medium), alt: "", loading: "lazy" }) : el("span", { class: "blank" }, icon("icon-photo"));
  const text = el("span", { class: "entry-words" }, el("strong", {}, entry.title), el("span", { class: "quiet cut-line" }, entry.text), el("time", { class: "fine", datetime: entry.createdAt }, app.words.day(entry.createdAt)));
  return el("div", { class: "entry-item" }, el("a", { class: "entry-card card", href: `#/diary/${entry.id}` }, picture, text));
}
