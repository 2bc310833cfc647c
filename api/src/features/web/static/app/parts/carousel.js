// @ts-check
// A post's pictures side by side: swiped by a finger, moved by arrow keys and buttons.

import { button, el, local } from "../elements.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/posts.js").PostPicture} PostPicture */

/** Tallest and widest shape of the frame, as width by height. */
const SHAPES = { least: 0.8, most: 1.6 };

/**
 * @param {App} app
 * @param {PostPicture[]} pictures
 * @param {{ eager?: boolean }} [options]
 * @returns {HTMLElement | null} null where none is ready
 */
export function carousel(app, pictures, { eager = false } = {}) {
  const ready = pictures.filter(({ picture }) => picture);
  if (ready.length === 0) return null;
  const strip = el("div", { class: "strip" }, ready.map((picture, at) => frame(app, picture, at, { total: ready.length, eager })));
  const first = ready[0];
  const shape = first.width && first.height ? first.width / first.height : 1;
  strip.style.setProperty("--shape", String(Math.min(SHAPES.most, Math.max(SHAPES.least, shape))));
  if (ready.length === 1) return el("div", { class: "carousel" }, strip);
  return withControls(app, strip, ready.length);
}

/** @param {App} app @param {PostPicture} picture @param {number} at @param {{ total: number, eager: boolean }} options */
function frame(app, { picture, alt, width, height }, at, { total, eager }) {
  if (!picture) return null;
  const unnamed = total > 1 ? app.say("picture-of", { at: at + 1, total }) : app.say("picture");
  return el("img", {
    src: local(picture.medium),
    srcset: `${local(picture.medium)} 640w, ${local(picture.large)} 1600w`,
    sizes: "(max-width: 40rem) 100vw, 36rem",
    alt: alt || unnamed,
    width,
    height,
    loading: eager && at === 0 ? "eager" : "lazy",
    decoding: "async",
  });
}

/** @param {App} app @param {HTMLElement} strip @param {number} total */
function withControls(app, strip, total) {
  let at = 0;
  const place = el("span", { class: "strip-place", "aria-hidden": true });
  const dots = Array.from({ length: total }, () => el("span", { class: "strip-dot" }));
  const move = (/** @type {number} */ to) => strip.scrollTo({ left: strip.clientWidth * Math.min(total - 1, Math.max(0, to)) });
  const before = button(app.say("before"), () => move(at - 1), { icon: "icon-back", iconOnly: true, class: "strip-button strip-before" });
  const after = button(app.say("after"), () => move(at + 1), { icon: "icon-next", iconOnly: true, class: "strip-button strip-after" });
  const show = () => {
    at = Math.round(strip.scrollLeft / Math.max(1, strip.clientWidth));
    place.textContent = `${at + 1}/${total}`;
    dots.forEach((dot, index) => dot.classList.toggle("here", index === at));
    before.disabled = at === 0;
    after.disabled = at === total - 1;
  };
  strip.tabIndex = 0;
  strip.setAttribute("role", "group");
  strip.setAttribute("aria-label", app.say("pictures-of", { total }));
  strip.addEventListener("scroll", show, { passive: true });
  strip.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    move(at + step);
  });
  show();
  return el("div", { class: "carousel" }, strip, before, after, place, el("div", { class: "strip-dots", "aria-hidden": true }, dots));
}
