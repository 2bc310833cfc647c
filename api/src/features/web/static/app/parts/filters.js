// @ts-check
// What a list of products may hold: chips for the season, for whom, and the price.

import { idOf } from "../../words.js";
import { el } from "../elements.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/catalogue.js").Selection} Selection */

/** @type {{ name: keyof Selection, values: (string | number)[] }[]} */
const GROUPS = [
  { name: "season", values: ["SPRING", "SUMMER", "AUTUMN", "WINTER"] },
  { name: "sex", values: ["FEMALE", "MALE"] },
  { name: "priceTo", values: [30_000, 50_000, 100_000] },
];

/**
 * @param {App} app
 * @param {(selection: Selection) => void} onChange
 */
export function filterChips(app, onChange) {
  /** @type {Record<string, string | number>} */
  const chosen = {};
  const word = (/** @type {keyof Selection} */ name, /** @type {string | number} */ value) =>
    name === "priceTo" ? app.say("up-to", { price: app.words.price(Number(value)) }) : (app.words.find(idOf(name, String(value))) ?? String(value));
  const chip = (/** @type {keyof Selection} */ name, /** @type {string | number} */ value) => {
    const press = () => {
      if (chosen[name] === value) delete chosen[name];
      else chosen[name] = value;
      for (const one of chips) one.setAttribute("aria-pressed", String(String(chosen[one.dataset.name ?? ""]) === one.dataset.value));
      onChange(/** @type {Selection} */ ({ ...chosen }));
    };
    return el("button", { type: "button", class: "chip", "aria-pressed": "false", "data-name": name, "data-value": value, "data-season": name === "season" ? value : null, onclick: press }, word(name, value));
  };
  const chips = GROUPS.flatMap(({ name, values }) => values.map((value) => chip(name, value)));
  return el("div", { class: "chips filters", role: "group", "aria-label": app.say("filters") }, chips);
}
