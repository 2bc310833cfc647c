// @ts-check
// A person: the round picture, the name, the season.

import { seasonName } from "../../seasons.js";
import { el, local } from "../elements.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/people.js").Person} Person */

/**
 * @param {Pick<Person, "picture" | "nickname">} person
 * @param {"small" | "large"} [size]
 */
export function avatar({ picture, nickname }, size = "small") {
  const frame = el("span", { class: `avatar avatar-${size}`, "aria-hidden": true });
  if (picture) {
    frame.append(el("img", { src: local(size === "large" ? picture.medium : picture.small), alt: "", loading: "lazy", decoding: "async" }));
  } else {
    frame.textContent = [...nickname][0]?.toUpperCase() ?? "";
  }
  return frame;
}

/** @param {App} app @param {string | null | undefined} season */
export function seasonChip(app, season) {
  if (!season) return null;
  return el("span", { class: "season-chip", "data-season": season }, seasonName(app.words, season));
}

/** A line with a person in it. @param {App} app @param {Person} person @param {...(Node | null)} aside */
export function personLine(app, person, ...aside) {
  const name = el("span", { class: "person-name" }, person.nickname);
  const link = el("a", { class: "person-link", href: `#/people/${person.id}` }, avatar(person), name, seasonChip(app, person.personalColor));
  return el("div", { class: "person-line" }, link, ...aside);
}

