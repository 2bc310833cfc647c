// @ts-check
// The comments of a post: one level of replies, written, liked, deleted, reported.

import { uuid } from "../../../client/api.js";
import { button, el, fill, show } from "../elements.js";
import { confirm, openMenu, openReport } from "./dialogs.js";
import { likeButton } from "./like-button.js";
import { emptiness, PagedList } from "./list.js";
import { avatar } from "./person.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/comments.js").Comment} Comment */
/** @typedef {import("../../../client/posts.js").Post} Post */

export class CommentsPart {
  #app;
  #signal;
  #post;
  /** @type {PagedList<Comment>} */
  #list;
  #form;
  /** @type {Comment | null} */
  #parent = null;
  /** One for each comment that is written: sent twice it is one. */
  #key = uuid();
  /** Lists of replies that are open. @type {Map<string, PagedList<Comment>>} */
  #replies = new Map();

  /** @param {App} app @param {Post} post @param {AbortSignal} signal */
  constructor(app, post, signal) {
    this.#app = app;
    this.#post = post;
    this.#signal = signal;
    this.#list = new PagedList({
      app,
      signal,
      label: app.say("comments-title"),
      load: (cursor, signal) => app.api.comments.list(post.id, { cursor, signal }),
      render: (comment) => this.#render(comment),
      key: ({ id }) => id,
      empty: () => emptiness(app.say("no-comments"), app.say("no-comments-text")),
      className: "comments",
    });
    this.#form = this.#makeForm();
    this.element = el("section", { class: "comments-part", "aria-label": app.say("comments-title") }, el("h2", { class: "small-title" }, app.say("comments-title")), this.#list.element, this.#form.element);
    app.hear("post", ({ id, comments }) => id === post.id && (this.#post = { ...this.#post, comments }), signal);
  }

  focus() {
    this.#form.input.focus();
  }

  /** Reads what is new. */
  reload() {
    this.#replies.clear();
    return this.#list.reload({ quietly: true });
  }

  #makeForm() {
    const app = this.#app;
    const input = el("textarea", { class: "input", rows: 1, maxlength: 1000, placeholder: app.say("comment-hint"), "aria-label": app.say("comment-hint") });
    const target = el("p", { class: "fine reply-to", hidden: true });
    const send = el("button", { type: "submit", class: "button primary" }, app.say("send"));
    const form = el("form", { class: "comment-form" }, target, el("div", { class: "comment-row" }, input, send));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send(input, send);
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) form.requestSubmit();
    });
    return { element: form, input, target };
  }

  /** @param {HTMLTextAreaElement} input @param {HTMLButtonElement} send */
  async #send(input, send) {
    const text = input.value.trim();
    if (!text || send.disabled) return;
    send.disabled = true;
    const parent = this.#parent;
    await this.#app.attempt(async () => {
      const comment = await this.#app.api.comments.create(this.#post.id, { text, ...(parent ? { parentId: parent.id } : {}) }, this.#key);
      this.#key = uuid();
      input.value = "";
      this.#answer(null);
      this.#counted(1);
      if (parent) this.#openReplies(parent, comment);
      else this.#list.add(comment, "end");
      this.#app.announce(this.#app.say("commented"));
    });
    send.disabled = false;
    input.focus();
  }

  /** @param {number} by */
  #counted(by) {
    this.#post = { ...this.#post, comments: Math.max(0, this.#post.comments + by) };
    this.#app.tell("post", this.#post);
  }

  /** Says whom the next comment answers. @param {Comment | null} parent */
  #answer(parent) {
    this.#parent = parent;
    const { target, input } = this.#form;
    show(target, parent !== null);
    if (!parent) return;
    const stop = button(this.#app.say("cancel"), () => this.#answer(null), { icon: "icon-close", iconOnly: true });
    fill(target, this.#app.say("reply-to", { name: parent.author?.nickname ?? "" }), stop);
    input.focus();
  }

  /** @param {Comment} comment */
  #render(comment) {
    const app = this.#app;
    const { author } = comment;
    if (!author || comment.isDeleted) {
      return el("div", { class: "comment" }, el("p", { class: "quiet" }, app.say("comment-gone")), this.#repliesOf(comment));
    }
    const text = el("p", { class: "prose" }, comment.text);
    const like = likeButton(app, { of: comment, name: app.say("comment-by", { name: author.nickname }), send: (wanted) => app.api.comments.setLike(comment.id, wanted) });
    const reply = comment.parentId ? null : button(app.say("reply"), () => this.#answer(comment), { class: "text-button" });
    const more = button(app.say("more-actions"), () => void this.#menu(comment, text), { icon: "icon-dots", iconOnly: true, class: "icon-button small" });
    return el(
      "div",
      { class: "comment" },
      el("a", { href: `#/people/${author.id}`, class: "comment-face", tabindex: "-1", "aria-hidden": true }, avatar(author)),
      el(
        "div",
        { class: "comment-body" },
        el("p", { class: "comment-head" }, el("a", { href: `#/people/${author.id}`, class: "person-name" }, author.nickname), el("time", { class: "fine", datetime: comment.createdAt }, app.words.ago(comment.createdAt))),
        text,
        el("div", { class: "comment-acts" }, like.element, reply, more),
        this.#repliesOf(comment),
      ),
    );
  }

  /** @param {Comment} comment */
  #repliesOf(comment) {
    if (comment.parentId) return null;
    const place = el("div", { class: "replies", "data-replies": comment.id });
    if (comment.replies > 0) {
      place.append(button(this.#app.say("replies", { count: comment.replies }), () => this.#openReplies(comment), { class: "text-button", "aria-expanded": "false" }));
    }
    return place;
  }

  /** @param {Comment} comment @param {Comment} [added] */
  #openReplies(comment, added) {
    const app = this.#app;
    const open = this.#replies.get(comment.id);
    if (open) return added && open.add(added, "end");
    const list = new PagedList({
      app,
      signal: this.#signal,
      label: app.say("replies-to", { name: comment.author?.nickname ?? "" }),
      load: (cursor, signal) => app.api.comments.listReplies(comment.id, { cursor, signal }),
      render: (reply) => this.#render(reply),
      key: ({ id }) => id,
      empty: () => el("span"),
      className: "comments",
    });
    this.#replies.set(comment.id, list);
    const place = this.element.querySelector(`[data-replies="${CSS.escape(comment.id)}"]`);
    if (place) fill(place, list.element);
  }

  /** @param {Comment} comment @param {HTMLElement} text */
  async #menu(comment, text) {
    const app = this.#app;
    const me = await app.me();
    const mine = comment.author?.id === me.id;
    const mayDelete = mine || this.#post.author.id === me.id;
    const remove = async () => {
      await app.api.comments.delete(comment.id);
      (comment.parentId ? this.#replies.get(comment.parentId) : this.#list)?.remove(comment.id);
      this.#counted(-1);
    };
    const question = { title: app.say("delete-comment"), text: app.say("delete-comment-text"), label: app.say("delete") };
    openMenu(app, app.say("more-actions"), [
      mine ? { label: app.say("edit"), press: () => this.#edit(comment, text) } : null,
      mayDelete ? { label: app.say("delete"), press: () => confirm(app, question, remove), isDangerous: true } : null,
      mine ? null : { label: app.say("report"), press: () => openReport(app, (reason, description) => app.api.comments.report({ kind: "comment", id: comment.id, reason, description })), isDangerous: true },
    ]);
  }

  /** @param {Comment} comment @param {HTMLElement} text */
  #edit(comment, text) {
    const app = this.#app;
    const input = el("textarea", { class: "input", rows: 3, maxlength: 1000, "aria-label": app.say("edit") });
    input.value = comment.text;
    const editor = el("form", { class: "stack" }, input);
    const done = () => editor.replaceWith(text);
    editor.append(el("div", { class: "dialog-actions" }, button(app.say("cancel"), done), el("button", { type: "submit", class: "button primary" }, app.say("save"))));
    editor.addEventListener("submit", (event) => {
      event.preventDefault();
      void app.attempt(async () => {
        const changed = await app.api.comments.change(comment.id, input.value);
        comment.text = changed.text;
        text.textContent = changed.text;
        done();
      });
    });
    text.replaceWith(editor);
    input.focus();
  }
}
