// @ts-check
// What others did that concerns one: the latest first, each leading to where it happened.

import { button, el, heading } from "../elements.js";
import { noticeText } from "../live.js";
import { emptiness, PagedList } from "../parts/list.js";
import { avatar } from "../parts/person.js";
import { view } from "../parts/single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/notices.js").Notice} Notice */

/** Where a notice leads. @param {Pick<Notice, "type" | "subjectId" | "actor">} notice */
export function placeOf({ type, subjectId, actor }) {
  if (type === "person.followed") return `/people/${actor.id}`;
  if (type === "chat.message") return `/room/${subjectId}`;
  // A comment is shown with its post.
  return type.startsWith("post.") ? `/post/${subjectId}` : `/comment/${subjectId}`;
}

/** @type {import("../app.js").MakeView} */
export default function makeNotices(app, _params, signal) {
  const title = app.say("notices");
  /** @type {PagedList<Notice>} */
  const list = new PagedList({
    app,
    signal,
    label: title,
    load: async (cursor, signal) => {
      const page = await app.api.notices.list({ cursor, signal });
      app.live.setUnreadNotices(page.unread);
      return page;
    },
    render: (notice) => row(app, notice),
    key: ({ id }) => id,
    empty: () => emptiness(app.say("no-notices"), app.say("no-notices-text")),
    className: "notices",
  });
  const readAll = () =>
    app.attempt(async () => {
      await app.api.notices.markRead();
      app.live.setUnreadNotices(0);
      await list.reload();
    });
  let shown = false;
  let stale = false;
  app.hear(
    "notice",
    (/** @type {Notice} */ notice) => {
      if (!shown) return void (stale = true);
      list.remove(notice.id);
      list.add(notice);
    },
    signal,
  );
  return {
    element: view("notices-view", el("div", { class: "view-head" }, heading(title), button(app.say("read-all"), () => void readAll(), { class: "text-button" })), list.element),
    title,
    onShow: () => {
      shown = true;
      if (stale) void list.reload({ quietly: true });
      stale = false;
    },
    onHide: () => (shown = false),
    onAgain: () => void list.reload(),
  };
}

/** @param {App} app @param {Notice} notice */
function row(app, notice) {
  const unread = el("span", { class: "dot-unread" }, el("span", { class: "visually-hidden" }, app.say("unread-notice")));
  const open = () => {
    if (notice.read) return;
    notice.read = true;
    unread.remove();
    link.classList.remove("unread");
    app.live.setUnreadNotices(app.live.unreadNotices - 1);
    void app.api.notices.markRead([notice.id]).catch(() => {});
  };
  const link = el(
    "a",
    { class: notice.read ? "notice-row" : "notice-row unread", href: `#${placeOf(notice)}`, onclick: open },
    avatar(notice.actor),
    el("span", { class: "notice-words" }, el("span", {}, noticeText(app, notice)), el("time", { class: "fine", datetime: notice.changedAt }, app.words.ago(notice.changedAt))),
    notice.read ? null : unread,
  );
  return el("div", {}, link);
}
