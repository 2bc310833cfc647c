// @ts-check
// The dialog in which a part of a picture is chosen: dragged, or moved by keys; zoomed by a slider or the wheel.

import { cutOf, moved, MOST_ZOOM, sentSize } from "../crop-geometry.js";
import { button, el } from "../elements.js";
import { openDialog } from "./dialogs.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../crop-geometry.js").Crop} Crop */
/** @typedef {import("../crop-geometry.js").Shape} Shape */

const QUALITY = 0.9;
/** Steps of the arrow keys, as a share of what is shown. */
const STEP = 0.05;

/** @type {{ shape: Shape, key: string }[]} */
const SHAPES = [
  { shape: "free", key: "crop-free" },
  { shape: "square", key: "crop-square" },
  { shape: "portrait", key: "crop-portrait" },
];

/**
 * @param {App} app
 * @param {ImageBitmap} image
 * @param {Crop} crop
 * @param {(crop: Crop) => void} onDone
 */
export function openCropper(app, image, crop, onDone) {
  const canvas = el("canvas", { class: "crop-canvas", tabindex: "0", role: "img", "aria-label": app.say("crop-keys") });
  const zoom = el("input", { type: "range", min: 1, max: MOST_ZOOM, step: 0.05, "aria-label": app.say("zoom") });
  const draw = () => {
    const cut = cutOf(image, crop);
    const { width, height } = sentSize(cut);
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d")?.drawImage(image, cut.x, cut.y, cut.width, cut.height, 0, 0, width, height);
    zoom.value = String(crop.zoom);
  };
  const set = (/** @type {Crop} */ next) => {
    crop = next;
    draw();
  };
  const shapes = SHAPES.map(({ shape, key }) => {
    const input = el("input", { type: "radio", name: "crop-shape", value: shape, onchange: () => set({ ...crop, shape }) });
    input.checked = crop.shape === shape;
    return el("label", { class: "chip-choice" }, input, el("span", {}, app.say(key)));
  });
  zoom.addEventListener("input", () => set({ ...crop, zoom: Number(zoom.value) }));
  listen(canvas, image, () => crop, set);
  openDialog(
    app,
    app.say("crop"),
    (close) => [
      el("div", { class: "crop-stage" }, canvas),
      el("fieldset", { class: "chips" }, el("legend", { class: "visually-hidden" }, app.say("crop-shape")), shapes),
      el("label", { class: "field" }, app.say("zoom"), zoom),
      el("div", { class: "dialog-actions" }, button(app.say("cancel"), close), button(app.say("done"), () => (close(), onDone(crop)), { class: "button primary" })),
    ],
    { className: "crop-dialog" },
  );
  draw();
}

/** @param {HTMLCanvasElement} canvas @param {ImageBitmap} image @param {() => Crop} get @param {(crop: Crop) => void} set */
function listen(canvas, image, get, set) {
  const move = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    // Pixels of the screen to pixels of the picture.
    const scale = cutOf(image, get()).width / Math.max(1, canvas.clientWidth);
    set(moved(image, get(), dx * scale, dy * scale));
  };
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && move(-event.movementX, -event.movementY));
  canvas.addEventListener("keydown", (event) => {
    const step = canvas.clientWidth * STEP;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    const near = { "+": 0.1, "-": -0.1 }[event.key];
    if (!by && !near) return;
    event.preventDefault();
    if (by) move(by[0], by[1]);
    else set({ ...get(), zoom: Math.min(MOST_ZOOM, Math.max(1, get().zoom + (near ?? 0))) });
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    set({ ...get(), zoom: Math.min(MOST_ZOOM, Math.max(1, get().zoom - Math.sign(event.deltaY) * 0.1)) });
  });
}

/**
 * The kept part as a picture to send.
 *
 * @param {ImageBitmap} image
 * @param {Crop} crop
 * @returns {Promise<Blob>}
 */
export async function cropped(image, crop) {
  const cut = cutOf(image, crop);
  const { width, height } = sentSize(cut);
  const canvas = el("canvas", { width, height });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser draws nothing");
  context.fillStyle = "#fff"; // a JPEG has nothing that shines through
  context.fillRect(0, 0, width, height);
  context.drawImage(image, cut.x, cut.y, cut.width, cut.height, 0, 0, width, height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser encodes nothing"))), "image/jpeg", QUALITY);
  });
}
