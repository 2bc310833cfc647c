// @ts-check
// Line charts of the last half hour, in SVG. What cannot be said by the shape alone is said by the legend.

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 560;
const HEIGHT = 190;
const EDGE = { top: 10, right: 10, bottom: 22, left: 44 };
/** A longer pause between two samples than this is a gap, not a line. */
const GAP_SECONDS = 20;

/**
 * @typedef {object} Line
 * @property {string} key the sample's member
 * @property {string} label
 * @property {1 | 2 | 3} tone
 * @property {boolean} [filled]
 * @property {boolean} [dashed]
 */

/**
 * The smallest of 1, 1.5, 2, 2.5, 5 times a power of ten that is at least `value`.
 *
 * @param {number} value
 */
export function niceCeiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 5, 10].find((step) => step * power >= value * 0.999999) ?? 10;
  return step * power;
}

/**
 * How many seconds a chart shows that has samples of so many: what there is, and half an hour at most.
 *
 * @param {number} seconds
 */
export const spanFor = (seconds) => [300, 600, 900, 1800].find((span) => span >= seconds) ?? 1800;

/**
 * Splits samples into runs without gaps, each a list of `[seconds, value]`.
 *
 * @param {any[]} samples
 * @param {string} key
 */
export function runs(samples, key) {
  /** @type {[number, number][][]} */
  const all = [];
  let last = -Infinity;
  for (const sample of samples) {
    const value = sample[key];
    if (typeof value !== "number") continue;
    if (sample.at - last > GAP_SECONDS) all.push([]);
    all[all.length - 1].push([sample.at, value]);
    last = sample.at;
  }
  return all;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 */
function draw(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A chart in `place` that is drawn anew with each set of samples. */
export class Chart {
  /** @type {any[]} */
  #samples = [];
  #place;
  #lines;
  #format;
  #svg;
  #legend;
  #values;
  /** The moment under the pointer; null: the latest. @type {number | null} */
  #at = null;

  /**
   * @param {HTMLElement} place
   * @param {Line[]} lines
   * @param {(value: number | null | undefined) => string} format
   */
  constructor(place, lines, format) {
    this.#place = place;
    this.#lines = lines;
    this.#format = format;
    this.#svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
    this.#legend = document.createElement("ul");
    this.#legend.className = "legend";
    this.#values = lines.map((line) => {
      const entry = document.createElement("li");
      const value = document.createElement("b");
      const mark = document.createElement("i");
      mark.className = `mark tone-${line.tone}`;
      entry.append(mark, `${line.label} `, value);
      this.#legend.append(entry);
      return value;
    });
    place.replaceChildren(this.#legend, this.#svg);
    this.#svg.addEventListener("pointermove", (event) => this.#point(/** @type {PointerEvent} */ (event)));
    this.#svg.addEventListener("pointerleave", () => {
      this.#at = null;
      this.#redraw();
    });
  }

  /** @param {any[]} samples oldest first */
  show(samples) {
    this.#samples = samples;
    this.#redraw();
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const { left, width } = this.#svg.getBoundingClientRect();
    const { from, to } = this.#range();
    const share = (((event.clientX - left) / width) * WIDTH - EDGE.left) / (WIDTH - EDGE.left - EDGE.right);
    this.#at = from + Math.min(1, Math.max(0, share)) * (to - from);
    this.#redraw();
  }

  #range() {
    const to = this.#samples.at(-1)?.at ?? Math.floor(Date.now() / 1000);
    return { from: to - spanFor(to - (this.#samples[0]?.at ?? to)), to };
  }

  #redraw() {
    const { from, to } = this.#range();
    const shown = this.#samples.filter((sample) => sample.at >= from);
    const values = shown.flatMap((sample) => this.#lines.map(({ key }) => sample[key] ?? 0));
    const top = niceCeiling(Math.max(0, ...values));
    const x = (/** @type {number} */ at) => EDGE.left + ((at - from) / (to - from)) * (WIDTH - EDGE.left - EDGE.right);
    const y = (/** @type {number} */ value) => HEIGHT - EDGE.bottom - (value / top) * (HEIGHT - EDGE.top - EDGE.bottom);

    const parts = [...this.#grid(top, from, to, x, y)];
    for (const line of this.#lines) {
      for (const run of runs(shown, line.key)) parts.push(...this.#run(run, line, x, y));
    }
    const now = this.#nearest(shown);
    if (now && this.#at !== null) {
      parts.push(draw("line", { class: "cursor", x1: x(now.at), x2: x(now.at), y1: EDGE.top, y2: HEIGHT - EDGE.bottom }));
    }
    this.#lines.forEach((line, index) => (this.#values[index].textContent = this.#format(now?.[line.key])));
    this.#svg.replaceChildren(...parts);
    const told = this.#lines.map((line) => `${line.label} ${this.#format(now?.[line.key])}`);
    this.#svg.setAttribute("aria-label", `${told.join(", ")}; ${shown.length} samples`);
    this.#place.dataset.samples = String(shown.length);
  }

  /** The sample under the pointer, or the latest. @param {any[]} shown */
  #nearest(shown) {
    const at = this.#at;
    if (at === null) return shown.at(-1);
    return shown.reduce((best, sample) => (Math.abs(sample.at - at) < Math.abs((best?.at ?? -Infinity) - at) ? sample : best), null);
  }

  /**
   * @param {number} top @param {number} from @param {number} to
   * @param {(at: number) => number} x @param {(value: number) => number} y
   */
  *#grid(top, from, to, x, y) {
    for (const share of [0, 0.5, 1]) {
      const at = y(top * share);
      yield draw("line", { class: "grid", x1: EDGE.left, x2: WIDTH - EDGE.right, y1: at, y2: at });
      yield draw("text", { class: "tick", x: EDGE.left - 6, y: at + 4, "text-anchor": "end" }, this.#format(top * share));
    }
    const step = to - from > 900 ? 10 : to - from > 300 ? 5 : 1;
    for (let minutes = 0; minutes <= (to - from) / 60; minutes += step) {
      const label = minutes === 0 ? "now" : `−${minutes} min`;
      const anchor = minutes === 0 ? "end" : "middle";
      yield draw("text", { class: "tick", x: x(to - minutes * 60), y: HEIGHT - 5, "text-anchor": anchor }, label);
    }
  }

  /**
   * @param {[number, number][]} run @param {Line} line
   * @param {(at: number) => number} x @param {(value: number) => number} y
   */
  *#run(run, { tone, filled, dashed }, x, y) {
    const points = run.map(([at, value]) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    if (run.length === 1) {
      yield draw("circle", { class: `dot tone-${tone}`, cx: x(run[0][0]), cy: y(run[0][1]), r: 1.8 });
      return;
    }
    if (filled) {
      const [first, last] = [x(run[0][0]).toFixed(1), x(run[run.length - 1][0]).toFixed(1)];
      yield draw("polygon", { class: `area tone-${tone}`, points: `${first},${y(0)} ${points.join(" ")} ${last},${y(0)}` });
    }
    yield draw("polyline", { class: `line tone-${tone}${dashed ? " dashed" : ""}`, points: points.join(" ") });
  }
}
