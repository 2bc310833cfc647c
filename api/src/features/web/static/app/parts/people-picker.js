// @ts-check
// Finds people by how their nicknames begin, and keeps those that were chosen.

import { button, el, fill, freshId } from "../elements.js";
import { avatar } from "./person.js";
import { whenTyped } from "./typing.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/people.js").Person} Person */

export class PeoplePicker {
  /** @type {Person[]} */
  chosen = [];
  #app;
  #found = el("ul", { class: "picker-found" });
  #list = el("ul", { class: "picker-chosen" });
  #run = new AbortController();

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    const id = freshId("picker");
    const input = el("input", { id, class: "input", type: "search", autocomplete: "off" });
    whenTyped(input, (text) => void this.#find(text));
    this.element = el("div", { class: "picker" }, this.#list, el("div", { class: "field" }, el("label", { for: id }, app.say("find-people")), input), this.#found);
  }

  /** @param {string} text */
  async #find(text) {
    this.#run.abort();
    this.#run = new AbortController();
    const { signal } = this.#run;
    if (text === "") return fill(this.#found);
    try {
      const { items } = await this.#app.api.people.find(text, { limit: 8, signal });
      if (!signal.aborted) this.#show(items);
    } catch {
      if (!signal.aborted) fill(this.#found);
    }
  }

  /** @param {Person[]} people */
  #show(people) {
    const left = people.filter(({ id }) => !this.chosen.some((one) => one.id === id));
    fill(this.#found, left.map((person) => el("li", {}, el("button", { type: "button", class: "person-line", onclick: () => this.#choose(person) }, avatar(person), el("span", { class: "person-name" }, person.nickname)))));
    if (left.length === 0) fill(this.#found, el("li", { class: "quiet" }, this.#app.say("nobody-found")));
  }

  /** @param {Person} person */
  #choose(person) {
    this.chosen = [...this.chosen, person];
    this.#render();
    fill(this.#found);
    this.#app.announce(this.#app.say("chosen", { name: person.nickname }));
  }

  #render() {
    const chip = (/** @type {Person} */ person) => {
      const remove = () => {
        this.chosen = this.chosen.filter(({ id }) => id !== person.id);
        this.#render();
      };
      return el("li", { class: "chip" }, person.nickname, button(this.#app.say("remove-person", { name: person.nickname }), remove, { icon: "icon-close", iconOnly: true, class: "icon-button small" }));
    };
    fill(this.#list, this.chosen.map(chip));
  }
}
