// @ts-check
// Which part of a picture is kept. Pure: no DOM.

/** @typedef {"free" | "square" | "portrait"} Shape */
/** @typedef {{ width: number, height: number }} Size */
/** @typedef {{ x: number, y: number, width: number, height: number }} Cut in pixels of the picture */
/** @typedef {{ shape: Shape, zoom: number, x: number, y: number }} Crop `x`, `y`: the middle, 0 to 1; `zoom` from 1 */

/** Edges of the pictures that are sent: the server keeps no larger ones. */
export const LONGEST_EDGE = 1600;
export const MOST_ZOOM = 4;

/** @type {Record<Shape, number | null>} */
const RATIOS = { free: null, square: 1, portrait: 4 / 5 };

/** @type {Crop} */
export const WHOLE = { shape: "free", zoom: 1, x: 0.5, y: 0.5 };

/**
 * The part of a picture that a crop keeps.
 *
 * @param {Size} size
 * @param {Crop} crop
 * @returns {Cut}
 */
export function cutOf(size, { shape, zoom, x, y }) {
  const ratio = RATIOS[shape] ?? size.width / size.height;
  const largest = size.width / size.height > ratio ? { width: size.height * ratio, height: size.height } : { width: size.width, height: size.width / ratio };
  const near = clamp(zoom, 1, MOST_ZOOM);
  const width = largest.width / near;
  const height = largest.height / near;
  return { width, height, x: clamp(x * size.width - width / 2, 0, size.width - width), y: clamp(y * size.height - height / 2, 0, size.height - height) };
}

/**
 * Moves a crop by pixels of the picture; it stays within.
 *
 * @param {Size} size
 * @param {Crop} crop
 * @param {number} dx
 * @param {number} dy
 * @returns {Crop}
 */
export function moved(size, crop, dx, dy) {
  const cut = cutOf(size, crop);
  const x = clamp(cut.x + dx, 0, size.width - cut.width);
  const y = clamp(cut.y + dy, 0, size.height - cut.height);
  return { ...crop, x: (x + cut.width / 2) / size.width, y: (y + cut.height / 2) / size.height };
}

/**
 * How large the kept part is when it is sent.
 *
 * @param {Cut} cut
 * @returns {Size}
 */
export function sentSize({ width, height }) {
  const scale = Math.min(1, LONGEST_EDGE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.min(Math.max(value, least), Math.max(least, most));
}
