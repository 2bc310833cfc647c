// @ts-check
// A post, in a feed or by itself.

import { idOf } from "../../words.js";
import { button, el, fill, freshId, icon } from "../elements.js";
import { carousel } from "./carousel.js";
import { likeButton } from "./like-button.js";
import { avatar, seasonChip } from "./person.js";
import { openPostMenu } from "./post-menu.js";
import { watchPost } from "./post-watch.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/posts.js").Post} Post */

/** A longer text is cut in a feed. */
const LONG = 240;

/**
 * @param {App} app
 * @param {Post} post
 * @param {AbortSignal} signal of the view
 * @param {{ whole?: boolean, onComment?: () => void }} [options] `whole`: by itself
 */
export function postCard(app, post, signal, { whole = false, onComment } = {}) {
  const id = freshId("post");
  const like = likeButton(app, {
    of: post,
    name: app.say("post-by", { name: post.author.nickname }),
    send: (wanted) => app.api.posts.setLike(post.id, wanted),
    onStored: (state) => app.tell("post", { ...post, ...state }),
  });
  const comments = el("span", { class: "count" });
  const commentsLink = onComment
    ? el("button", { type: "button", class: "act", onclick: onComment }, icon("icon-comment"), comments)
    : el("a", { class: "act", href: `#/post/${post.id}` }, icon("icon-comment"), comments);
  const state = el("div", { class: "post-state", role: "status" });
  const pictures = el("div", { class: "post-pictures" });
  const text = el("div", { class: "post-text" });
  const time = el("time", { datetime: post.createdAt, class: "quiet" });
  const more = button(app.say("more-actions"), () => void openPostMenu(app, post), { icon: "icon-dots", iconOnly: true });

  const show = (/** @type {Post} */ next, /** @type {Post | null} */ old) => {
    post = next;
    const edited = post.editedAt ? ` · ${app.say("edited")}` : "";
    time.textContent = app.words.ago(post.createdAt) + edited;
    like.set(post);
    comments.textContent = post.comments > 0 ? app.words.short(post.comments) : "";
    commentsLink.setAttribute("aria-label", app.say("comments", { count: post.comments }));
    if (old?.state !== post.state) fill(state, stateOf(app, post));
    if (JSON.stringify(old?.pictures) !== JSON.stringify(post.pictures)) fill(pictures, carousel(app, post.pictures, { eager: whole }));
    if (old?.text !== post.text) fill(text, ...textOf(app, post, whole));
  };
  const { author } = post;
  const element = el(
    "article",
    { class: "post card", "aria-labelledby": id },
    el(
      "header",
      { class: "post-head" },
      el("a", { class: "person-link", href: `#/people/${author.id}`, id }, avatar(author), el("span", { class: "person-name" }, author.nickname)),
      seasonChip(app, author.personalColor),
      time,
      more,
    ),
    state,
    pictures,
    el("div", { class: "post-acts" }, like.element, commentsLink, button(app.say("share"), () => void share(app, post), { icon: "icon-share", iconOnly: true })),
    text,
  );
  show(post, null);
  app.hear("post", (next) => next.id === post.id && show({ ...post, ...next }, post), signal);
  if (post.state === "processing") watchPost(app, post.id, signal);
  return element;
}

/** @param {App} app @param {Post} post */
function stateOf(app, { state, pictures }) {
  if (state === "processing") return el("p", { class: "notice-line" }, el("span", { class: "spinner", "aria-hidden": true }), app.say("processing"));
  if (state !== "failed") return null;
  const code = pictures.find(({ errorCode }) => errorCode)?.errorCode;
  return el("p", { class: "notice-line danger" }, app.say("post-failed"), " ", (code && app.words.find(idOf("error", code))) || "");
}

/** @param {App} app @param {Post} post @param {boolean} whole */
function textOf(app, post, whole) {
  const name = el("strong", {}, post.author.nickname);
  const isLong = !whole && (post.text.length > LONG || post.text.split("\n").length > 4);
  const text = el("p", { class: isLong ? "prose cut" : "prose" }, name, " ", post.text);
  return isLong ? [text, el("a", { class: "quiet", href: `#/post/${post.id}` }, app.say("read-on"))] : [text];
}

/** Hands the address on: by the device's own means where it has some. @param {App} app @param {Post} post */
async function share(app, post) {
  const url = `${location.origin}/app#/post/${post.id}`;
  try {
    if (navigator.share) await navigator.share({ url, title: app.say("post-by", { name: post.author.nickname }) });
    else {
      await navigator.clipboard.writeText(url);
      app.toast(app.say("copied"));
    }
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return; // thought better of it
    app.toast(url);
  }
}
