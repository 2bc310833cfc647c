// @ts-check
// Writes or changes a post or an entry of the diary.

import { uuid } from "../../../client/api.js";
import { ApiError } from "../../../client/http.js";
import { el, fill, freshId, heading, show } from "../elements.js";
import { DraftPictures } from "../parts/draft-pictures.js";
import { failure } from "../parts/list.js";
import { view } from "../parts/single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/posts.js").Post} Post */
/** @typedef {import("../../../client/posts.js").Entry} Entry */

const TEXT = 1000;
const TITLE = 100;

/** @type {import("../app.js").MakeView} */
export default function makeCompose(app, { edit = "", diary }, signal) {
  const composer = new Composer(app, { edit, isDiary: diary !== undefined, signal });
  return { element: composer.element, title: composer.title, onShow: () => composer.shown() };
}

class Composer {
  #app;
  #edit;
  #isDiary;
  #signal;
  /** One for each post that is written: sent twice it is one. */
  #key = uuid();
  /** What is being changed. @type {Post | Entry | null} */
  #old = null;
  #pictures;
  #titleField;
  #text;
  #counter = el("span", { class: "fine", "aria-hidden": true });
  #problem = el("p", { class: "problem", role: "alert", hidden: true });
  #progress;
  #send;
  #kind;
  #form;

  /** @param {App} app @param {{ edit: string, isDiary: boolean, signal: AbortSignal }} options */
  constructor(app, { edit, isDiary, signal }) {
    this.#app = app;
    this.#edit = edit;
    this.#isDiary = isDiary;
    this.#signal = signal;
    this.title = app.say(edit ? "edit-title" : "compose-title");
    this.#pictures = new DraftPictures(app, { onChange: () => this.#explain("") });
    const titleId = freshId("title");
    const textId = freshId("text");
    this.#titleField = el("input", { id: titleId, class: "input", type: "text", maxlength: TITLE });
    this.#text = el("textarea", { id: textId, class: "input", rows: 5, placeholder: app.say("text-hint"), oninput: () => this.#count() });
    this.#progress = el("progress", { max: 100, value: 0, hidden: true, "aria-label": app.say("uploading") });
    this.#send = el("button", { type: "submit", class: "button primary wide" });
    this.#kind = el("fieldset", { class: "chips", hidden: edit !== "" }, el("legend", { class: "visually-hidden" }, app.say("who-sees")), this.#choice(false, "as-post"), this.#choice(true, "as-entry"));
    this.#form = el(
      "form",
      { class: "stack composer", novalidate: true },
      this.#kind,
      this.#pictures.element,
      el("div", { class: "field title-field" }, el("label", { for: titleId }, app.say("entry-title")), this.#titleField),
      el("div", { class: "field" }, el("div", { class: "field-head" }, el("label", { for: textId }, app.say("text")), this.#counter), this.#text),
      this.#problem,
      this.#progress,
      this.#send,
    );
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    this.element = view("compose-view", heading(this.title), this.#form);
    this.#count();
    this.#showKind();
    if (edit) void this.#load();
  }

  /** @param {boolean} isDiary @param {string} key */
  #choice(isDiary, key) {
    const change = () => {
      this.#isDiary = isDiary;
      this.#key = uuid();
      this.#showKind();
    };
    const input = el("input", { type: "radio", name: "kind", value: key, onchange: change });
    input.checked = isDiary === this.#isDiary;
    return el("label", { class: "chip-choice" }, input, el("span", {}, this.#app.say(key)));
  }

  #showKind() {
    const field = this.#form.querySelector(".title-field");
    if (field instanceof HTMLElement) show(field, this.#isDiary);
    this.#send.textContent = this.#app.say(this.#edit ? "save" : this.#isDiary ? "keep" : "publish");
  }

  #count() {
    const left = TEXT - [...this.#text.value].length;
    this.#counter.textContent = left < 200 ? String(left) : "";
    this.#counter.classList.toggle("danger", left < 0);
  }

  async #load() {
    const { posts } = this.#app.api;
    try {
      const options = { signal: this.#signal };
      this.#old = this.#isDiary ? await posts.getEntry(this.#edit, options) : await posts.get(this.#edit, options);
      this.#text.value = this.#old.text;
      if ("title" in this.#old) this.#titleField.value = this.#old.title;
      this.#pictures.setKept(this.#old.pictures);
      this.#count();
    } catch (error) {
      if (this.#signal.aborted) return;
      fill(this.#form, failure(this.#app, error, () => this.#app.go("/feed", { replace: true })));
    }
  }

  shown() {
    if (!this.#edit && this.#pictures.count === 0) this.#progress.hidden = true;
  }

  /** Says what is missing, and puts the focus there. Returns whether nothing is. */
  #check() {
    const app = this.#app;
    const length = [...this.#text.value.trim()].length;
    const title = this.#titleField.value.trim();
    if (this.#pictures.count === 0) return this.#refuse(app.say("need-picture"), this.#pictures);
    if (this.#isDiary && title === "") return this.#refuse(app.say("need-title"), this.#titleField);
    if (length === 0) return this.#refuse(app.say("need-text"), this.#text);
    if (length > TEXT) return this.#refuse(app.say("text-too-long", { most: TEXT }), this.#text);
    return true;
  }

  /** @param {string} text @param {{ focus: () => void }} field */
  #refuse(text, field) {
    this.#explain(text);
    field.focus();
    return false;
  }

  /** @param {string} text */
  #explain(text) {
    this.#problem.textContent = text;
    show(this.#problem, text !== "");
  }

  async #submit() {
    if (this.#send.disabled || !this.#check()) return;
    this.#explain("");
    this.#send.disabled = true;
    show(this.#progress, true);
    try {
      const onProgress = (/** @type {number} */ part) => (this.#progress.value = Math.round(part * 100));
      const pictures = await this.#pictures.upload({ onProgress, signal: this.#signal });
      await this.#store(this.#text.value.trim(), this.#titleField.value.trim(), pictures);
    } catch (error) {
      if (this.#signal.aborted) return;
      // Another request than the one that was refused needs another key.
      if (error instanceof ApiError && error.status === 422) this.#key = uuid();
      this.#explain(this.#wording(error));
    } finally {
      this.#send.disabled = false;
      show(this.#progress, false);
    }
  }

  /** @param {unknown} error */
  #wording(error) {
    const field = error instanceof ApiError ? error.errors[0]?.field : undefined;
    if (field?.startsWith("pictures")) return this.#app.say("picture-refused");
    return this.#app.explain(error);
  }

  /** @param {string} text @param {string} title @param {import("../../../client/posts.js").DraftPicture[]} pictures */
  async #store(text, title, pictures) {
    const app = this.#app;
    const { posts } = app.api;
    const changed = this.#old && this.#pictures.differsFrom(this.#old.pictures) ? { pictures } : {};
    if (this.#isDiary) {
      const entry = this.#edit ? await posts.changeEntry(this.#edit, { title, text, ...changed }) : await posts.createEntry({ title, text, pictures }, this.#key);
      this.#leave(`/diary/${entry.id}`);
      return;
    }
    const post = this.#edit ? await posts.change(this.#edit, { text, ...changed }) : await posts.create({ text, pictures }, this.#key);
    app.tell(this.#edit ? "post" : "posted", post);
    app.announce(app.say(post.state === "ready" ? "posted" : "processing"));
    this.#leave(`/post/${post.id}`);
  }

  /** The next post begins with an empty form. @param {string} path */
  #leave(path) {
    this.#pictures.clear();
    this.#app.go(path, { replace: true });
    this.#app.forget((kept) => kept.startsWith("/compose") || kept === "/me" || kept === "/diary" || kept === path);
  }
}
