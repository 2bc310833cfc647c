// @ts-check
// Elements with attributes, listeners and children, in one call.

import { icon, make } from "../dom.js";

export { icon, show } from "../dom.js";

/** @typedef {Node | string | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => unknown)>} Props */

/**
 * Makes an element. A function is a listener (`onclick`), everything else an attribute; what is null, undefined or false is left
 * out. Text is text: nothing is parsed as markup.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const element = /** @type {HTMLElementTagNameMap[T]} */ (make(tag));
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true && name.startsWith("aria-")) element.setAttribute(name, "true");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/**
 * Replaces what an element holds.
 *
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function fill(element, ...children) {
  const nodes = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(.../** @type {(Node | string)[]} */ (nodes));
}

/**
 * A button with a text, or with an icon and a name for those who do not see it.
 *
 * @param {string} text
 * @param {(event: MouseEvent) => unknown} onclick
 * @param {Props & { icon?: string, iconOnly?: boolean }} [props]
 * @returns {HTMLButtonElement}
 */
export function button(text, onclick, { icon: symbol, iconOnly, ...props } = {}) {
  const named = iconOnly ? { "aria-label": text, title: text, class: "icon-button" } : { class: "button" };
  return el("button", { type: "button", ...named, ...props, onclick }, symbol ? icon(symbol) : null, iconOnly ? null : text);
}

/** The heading of a view: it takes the focus when the view is opened. @param {string} text @param {string} [className] */
export function heading(text, className = "view-title") {
  return el("h1", { class: className, tabindex: "-1" }, text);
}

/**
 * The address of a picture on the page's own origin, whatever name it was opened by.
 *
 * @param {string} url
 */
export function local(url) {
  return new URL(url, location.href).pathname;
}

let made = 0;

/** An id that no other element of the page has. @param {string} prefix */
export function freshId(prefix) {
  made += 1;
  return `${prefix}-${made}`;
}
