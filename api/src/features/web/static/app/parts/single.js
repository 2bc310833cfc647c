// @ts-check
// A view of one thing that has to be read first.

import { el, fill } from "../elements.js";
import { failure, skeleton } from "./list.js";

/**
 * Reads something and shows it in `place`; says what went wrong, with a button to try again.
 *
 * @template T
 * @param {object} options
 * @param {import("../app.js").App} options.app
 * @param {AbortSignal} options.signal
 * @param {HTMLElement} options.place
 * @param {(signal: AbortSignal) => Promise<T>} options.load
 * @param {(found: T) => (Node | string | null)[]} options.render
 * @param {"line" | "card"} [options.skeleton]
 */
export async function loadInto({ app, signal, place, load, render, skeleton: kind = "card" }) {
  fill(place, skeleton(kind, 1));
  place.setAttribute("aria-busy", "true");
  try {
    const found = await load(signal);
    if (!signal.aborted) fill(place, ...render(found));
  } catch (error) {
    if (signal.aborted) return;
    fill(place, failure(app, error, () => void loadInto({ app, signal, place, load, render, skeleton: kind })));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** @param {string} className @param {...(Node | string)} children */
export function view(className, ...children) {
  return el("section", { class: `view ${className}` }, ...children);
}
