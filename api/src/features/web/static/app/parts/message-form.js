// @ts-check
// The field in which a message is written: Enter sends, unless a syllable is being composed; pictures go along.

import { LARGEST_PHOTO_BYTES } from "../../../client/formats.js";
import { button, el, fill, icon } from "../elements.js";
import { isPlainEnter } from "./typing.js";

/** @typedef {import("../app.js").App} App */

export const MOST_PICTURES = 5;
const MOST_CHARACTERS = 4000;
/** Others are told again that one is typing after so long. */
const TYPING_MS = 3000;

export class MessageForm {
  #app;
  #onSend;
  #onTyping;
  #typingTold = 0;
  /** @type {{ file: File, url: string }[]} */
  #pictures = [];
  #input;
  #strip = el("ul", { class: "message-pictures" });
  #files;

  /**
   * @param {App} app
   * @param {object} options
   * @param {(message: { text: string, pictures: { file: File, url: string }[] }) => void} options.onSend
   * @param {(typing: boolean) => void} options.onTyping
   */
  constructor(app, { onSend, onTyping }) {
    this.#app = app;
    this.#onSend = onSend;
    this.#onTyping = onTyping;
    this.#input = el("textarea", { class: "input", rows: 1, maxlength: MOST_CHARACTERS, placeholder: app.say("message-hint"), "aria-label": app.say("message-hint"), enterkeyhint: "send" });
    this.#files = el("input", { type: "file", accept: "image/jpeg,image/png,image/webp", multiple: true, hidden: true, "aria-label": app.say("add-pictures"), onchange: () => this.#chosen() });
    const send = el("button", { type: "submit", class: "icon-button send", "aria-label": app.say("send"), title: app.say("send") }, icon("icon-send"));
    this.element = el("form", { class: "message-form" }, this.#strip, el("div", { class: "message-row" }, button(app.say("add-pictures"), () => this.#files.click(), { icon: "icon-photo", iconOnly: true }), this.#files, this.#input, send));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#input.addEventListener("keydown", (event) => {
      if (!isPlainEnter(event)) return;
      event.preventDefault();
      this.#send();
    });
    this.#input.addEventListener("input", () => this.#typed());
  }

  focus() {
    this.#input.focus();
  }

  /** @param {boolean} closed */
  setClosed(closed) {
    for (const one of this.element.querySelectorAll("textarea, button")) one.toggleAttribute("disabled", closed);
    this.#input.placeholder = this.#app.say(closed ? "room-closed" : "message-hint");
  }

  #typed() {
    const now = Date.now();
    if (this.#input.value === "" || now - this.#typingTold < TYPING_MS) return;
    this.#typingTold = now;
    this.#onTyping(true);
  }

  #chosen() {
    const files = [...(this.#files.files ?? [])].filter(({ size }) => size <= LARGEST_PHOTO_BYTES);
    if (files.length < (this.#files.files?.length ?? 0)) this.#app.toast(this.#app.say("error-image-too-large"));
    this.#files.value = "";
    if (files.length + this.#pictures.length > MOST_PICTURES) this.#app.toast(this.#app.say("most-pictures", { most: MOST_PICTURES }));
    const room = MOST_PICTURES - this.#pictures.length;
    this.#pictures.push(...files.slice(0, room).map((file) => ({ file, url: URL.createObjectURL(file) })));
    this.#render();
    this.#input.focus();
  }

  #render() {
    const one = (/** @type {{ file: File, url: string }} */ picture, /** @type {number} */ at) => {
      const remove = () => {
        URL.revokeObjectURL(picture.url);
        this.#pictures.splice(at, 1);
        this.#render();
        this.#input.focus();
      };
      return el("li", {}, el("img", { src: picture.url, alt: this.#app.say("picture-of", { at: at + 1, total: this.#pictures.length }) }), button(this.#app.say("remove-picture"), remove, { icon: "icon-close", iconOnly: true, class: "icon-button small" }));
    };
    fill(this.#strip, this.#pictures.map(one));
  }

  #send() {
    const text = this.#input.value.trim();
    if (text === "" && this.#pictures.length === 0) return;
    this.#onSend({ text, pictures: this.#pictures });
    this.#pictures = [];
    this.#input.value = "";
    this.#typingTold = 0;
    this.#onTyping(false);
    this.#render();
    this.#input.focus();
  }
}
