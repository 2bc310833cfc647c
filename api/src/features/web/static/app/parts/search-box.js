// @ts-check
// A search field with suggestions: a combobox by the ARIA pattern. Syllables under construction find suggestions too; Enter that
// ends a composition searches nothing.

import { el, fill, freshId, icon, show } from "../elements.js";
import { isPlainEnter, whenTyped } from "./typing.js";

/** @typedef {import("../app.js").App} App */

const MOST = 8;

export class SearchBox {
  #app;
  #onSearch;
  #input;
  #options;
  #forgetTyping;
  #run = new AbortController();
  #at = -1;

  /**
   * @param {App} app
   * @param {object} options
   * @param {string} options.label
   * @param {(text: string) => void} options.onSearch also with the empty text, when the field was emptied
   * @param {(text: string) => void} [options.onType] every pause in typing
   */
  constructor(app, { label, onSearch, onType }) {
    this.#app = app;
    this.#onSearch = onSearch;
    const listId = freshId("suggestions");
    this.#options = el("ul", { id: listId, class: "suggestions", role: "listbox", "aria-label": app.say("suggestions"), hidden: true });
    this.#input = el("input", {
      class: "input search-input",
      type: "search",
      placeholder: label,
      "aria-label": label,
      autocomplete: "off",
      role: "combobox",
      "aria-expanded": "false",
      "aria-controls": listId,
      "aria-autocomplete": "list",
      enterkeyhint: "search",
    });
    this.element = el("div", { class: "search-box", role: "search" }, icon("icon-search"), this.#input, this.#options);
    this.#forgetTyping = whenTyped(this.#input, (text) => {
      onType?.(text);
      if (text === "") onSearch("");
      void this.#suggest(text);
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    this.#input.addEventListener("blur", () => setTimeout(() => this.#close(), 150));
  }

  get text() {
    return this.#input.value.trim();
  }

  /** @param {string} text */
  set text(text) {
    this.#input.value = text;
  }

  /** @param {string} text */
  async #suggest(text) {
    this.#run.abort();
    this.#run = new AbortController();
    const { signal } = this.#run;
    if (text === "") return this.#close();
    try {
      const { items } = await this.#app.api.catalogue.suggest(text, { signal, attempts: 1 });
      if (!signal.aborted && document.activeElement === this.#input) this.#show(items.slice(0, MOST).map((item) => item.text));
    } catch {
      if (!signal.aborted) this.#close();
    }
  }

  /** @param {string[]} texts */
  #show(texts) {
    this.#at = -1;
    const option = (/** @type {string} */ text, /** @type {number} */ at) =>
      el("li", { role: "option", id: `${this.#options.id}-${at}`, "aria-selected": "false", onmousedown: () => this.#search(text) }, text);
    fill(this.#options, texts.map(option));
    show(this.#options, texts.length > 0);
    this.#input.setAttribute("aria-expanded", String(texts.length > 0));
    this.#input.removeAttribute("aria-activedescendant");
  }

  #close() {
    this.#run.abort();
    this.#show([]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.isComposing) return;
    const options = [...this.#options.children];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length > 0) {
      event.preventDefault();
      this.#at = (this.#at + step + options.length + 1) % (options.length + 1);
      options.forEach((option, at) => option.setAttribute("aria-selected", String(at === this.#at)));
      const active = options[this.#at];
      if (active) this.#input.setAttribute("aria-activedescendant", active.id);
      else this.#input.removeAttribute("aria-activedescendant");
    } else if (event.key === "Escape" && options.length > 0) {
      event.preventDefault();
      this.#close();
    } else if (isPlainEnter(event)) {
      event.preventDefault();
      this.#search(options[this.#at]?.textContent ?? this.text);
    }
  }

  /** @param {string} text */
  #search(text) {
    this.text = text;
    // A text that was typed just before needs no suggestions any more.
    this.#forgetTyping();
    this.#close();
    this.#onSearch(text.trim());
  }
}
