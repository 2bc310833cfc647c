// @ts-check
// The few strokes of DOM work that every view needs.

/**
 * Gets an element that the page must have.
 *
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (/** @type {unknown} */ (element));
}

/**
 * Makes an element with attributes and children. Text is text: nothing is ever parsed as markup.
 *
 * @param {string} tag
 * @param {Record<string, string | boolean>} [attributes] `true` sets an empty attribute, `false` none
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false) continue;
    element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** @param {string} symbol id of an icon in the page's sprite */
export function icon(symbol, className = "icon") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${symbol}`);
  svg.append(use);
  return svg;
}

/**
 * Sets CSS custom properties. The content security policy forbids style attributes, not this.
 *
 * @param {HTMLElement | SVGElement} element
 * @param {Record<string, string>} properties
 */
export function paint(element, properties) {
  for (const [name, value] of Object.entries(properties)) element.style.setProperty(name, value);
}

/**
 * Shows or hides without touching what is already so.
 *
 * @param {HTMLElement | SVGElement} element
 * @param {boolean} shown
 */
export function show(element, shown) {
  element.toggleAttribute("hidden", !shown);
}

/**
 * Moves the focus, and with it the screen reader, to an element that appeared, and brings it into view.
 *
 * @param {HTMLElement} element
 * @param {ScrollLogicalPosition} [block] where in the window it should come to lie
 */
export function focusOn(element, block = "center") {
  element.focus({ preventScroll: true });
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const { top, bottom } = element.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) element.scrollIntoView({ block, behavior: still ? "auto" : "smooth" });
}

/**
 * Puts a photo in its round frame, or the outline of a head where there is no photo or the browser cannot show it.
 *
 * @param {HTMLElement} frame
 * @param {string | null} url
 * @param {{ skin?: string | null, onLoad?: (image: HTMLImageElement) => void }} [options]
 */
export function fillPortrait(frame, url, { skin, onLoad } = {}) {
  const outline = icon("bust", "bust");
  if (skin) paint(outline, { "--skin": skin });
  if (!url) return frame.replaceChildren(outline);
  const image = document.createElement("img");
  image.alt = "";
  image.addEventListener("load", () => onLoad?.(image), { once: true });
  image.addEventListener("error", () => frame.replaceChildren(outline), { once: true });
  image.src = url;
  frame.replaceChildren(image);
}
