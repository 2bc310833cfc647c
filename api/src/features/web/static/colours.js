// @ts-check
// Names for colours, so that a palette can be read and heard and not only seen.

/** @typedef {[number, number, number]} Triple */

const NAMES = /** @type {[string, string][]} */ ([
  ["Black", "#0d0d0f"], ["Charcoal", "#36393f"], ["Graphite", "#4d515c"], ["Slate grey", "#66707c"], ["Pearl", "#f1ecee"], ["Grey", "#8c8c8c"], ["Silver grey", "#c0c4c8"],
  ["White", "#ffffff"], ["Ivory", "#fbf5e3"], ["Cream", "#f4e6c5"], ["Beige", "#dcc8a6"], ["Sand", "#cfb187"],
  ["Taupe", "#8b7b6b"], ["Camel", "#c19a63"], ["Tan", "#b98d5f"], ["Caramel", "#b06f33"], ["Cinnamon", "#9c5a32"],
  ["Chestnut", "#7b3f28"], ["Oxblood", "#7a3b3b"], ["Chocolate", "#4e2f22"], ["Coffee", "#5f4a3c"], ["Bronze", "#8a6a35"], ["Copper", "#b4673f"],
  ["Rust", "#a9471f"], ["Terracotta", "#c76a4d"], ["Brick red", "#9c3a32"], ["Orange", "#f28c28"], ["Pumpkin", "#d9701e"],
  ["Apricot", "#fbb982"], ["Peach", "#ffcba8"], ["Salmon", "#f69280"], ["Coral", "#ff7a62"], ["Tomato red", "#e5432f"],
  ["Red", "#d1202a"], ["Crimson", "#b0122f"], ["Burgundy", "#701e33"], ["Wine", "#5b2038"], ["Raspberry", "#b8305f"],
  ["Rose", "#d9768d"], ["Dusty rose", "#c99a9f"], ["Blush", "#f2cbcb"], ["Pink", "#f49ac1"], ["Icy pink", "#f7dde8"],
  ["Hot pink", "#ee3f94"], ["Fuchsia", "#c81f86"], ["Magenta", "#a8206f"], ["Mauve", "#a8849d"], ["Orchid", "#bf73b8"],
  ["Plum", "#6c3461"], ["Aubergine", "#43253f"], ["Violet", "#6f3fa0"], ["Purple", "#5a2a82"], ["Lavender", "#bfaee3"],
  ["Lilac", "#d6bfe3"], ["Periwinkle", "#8d96dc"], ["Indigo", "#36368c"], ["Navy", "#1d2a52"], ["Midnight blue", "#121a33"],
  ["Royal blue", "#2349b8"], ["Cobalt", "#1451b5"], ["Blue", "#2f74d0"], ["Denim", "#4f6f97"], ["Slate blue", "#6f87a6"],
  ["Sky blue", "#86bfe8"], ["Powder blue", "#b5cfe6"], ["Icy blue", "#ddecf6"], ["Petrol", "#1c5768"], ["Teal", "#1f7474"],
  ["Turquoise", "#2fbfb5"], ["Lagoon", "#4bb3c8"], ["Mint green", "#5cc8a1"], ["Aqua", "#8fdcd6"], ["Mint", "#bfe8cf"], ["Seafoam", "#97cbb5"], ["Jade", "#2f9a74"],
  ["Emerald", "#0c7f55"], ["Pine green", "#1f5443"], ["Forest green", "#2b4f2c"], ["Leaf green", "#5a9a3c"], ["Fresh green", "#8fcc4f"],
  ["Lime", "#c3dc4d"], ["Sage", "#a3b093"], ["Eucalyptus", "#a9c9c4"], ["Sea blue", "#7fa8b8"], ["Moss", "#74793f"], ["Olive", "#6a6a2b"], ["Khaki", "#a59b67"],
  ["Mustard", "#cf9a25"], ["Golden yellow", "#f4b72f"], ["Yellow", "#f9dd3e"], ["Lemon", "#fbf08a"], ["Gold", "#c99b3a"],
]);

/**
 * Reads `#rrggbb` or `#rgb`.
 *
 * @param {string} hex
 * @returns {Triple | null} 0 to 255 each
 */
export function parseHex(hex) {
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex);
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(hex);
  const parts = long?.slice(1) ?? short?.slice(1).map((digit) => digit + digit);
  return parts ? /** @type {Triple} */ (parts.map((part) => parseInt(part, 16))) : null;
}

/** @param {number} channel 0 to 255 */
function linear(channel) {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

/**
 * OKLab (Ottosson 2020): equal distances look about equally far.
 *
 * @param {Triple} rgb
 * @returns {Triple}
 */
function toOklab(rgb) {
  const [r, g, b] = rgb.map(linear);
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

const NAMED = NAMES.map(([name, hex]) => ({ name, lab: toOklab(parseHex(hex) ?? [0, 0, 0]) }));

/**
 * Names the nearest colour that has a name.
 *
 * @param {string} hex
 */
export function colourName(hex) {
  const rgb = parseHex(hex);
  if (!rgb) return "Colour";
  const [l, a, b] = toOklab(rgb);
  let best = NAMED[0];
  let nearest = Infinity;
  for (const named of NAMED) {
    const [nl, na, nb] = named.lab;
    // Hue counts for more than lightness: a pale teal is a teal before it is a grey.
    const distance = (l - nl) ** 2 + 4 * ((a - na) ** 2 + (b - nb) ** 2);
    if (distance < nearest) [best, nearest] = [named, distance];
  }
  return best.name;
}

/**
 * Whether dark text reads better on this colour than light text (WCAG relative luminance).
 *
 * @param {string} hex
 */
export function isLight(hex) {
  const [r, g, b] = (parseHex(hex) ?? [255, 255, 255]).map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179;
}
