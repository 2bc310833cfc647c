// @ts-check
// Colours that have names, so that a palette can be read and heard and not only seen.

/** @typedef {[number, number, number]} Triple */

/** What follows `colour-` in the ids of their names. */
const NAMES = /** @type {[string, string][]} */ ([
  ["black", "#0d0d0f"], ["charcoal", "#36393f"], ["graphite", "#4d515c"], ["slate-grey", "#66707c"], ["pearl", "#f1ecee"], ["grey", "#8c8c8c"], ["silver-grey", "#c0c4c8"],
  ["white", "#ffffff"], ["ivory", "#fbf5e3"], ["cream", "#f4e6c5"], ["beige", "#dcc8a6"], ["sand", "#cfb187"],
  ["taupe", "#8b7b6b"], ["camel", "#c19a63"], ["tan", "#b98d5f"], ["caramel", "#b06f33"], ["cinnamon", "#9c5a32"],
  ["chestnut", "#7b3f28"], ["oxblood", "#7a3b3b"], ["chocolate", "#4e2f22"], ["coffee", "#5f4a3c"], ["bronze", "#8a6a35"], ["copper", "#b4673f"],
  ["rust", "#a9471f"], ["terracotta", "#c76a4d"], ["brick-red", "#9c3a32"], ["orange", "#f28c28"], ["pumpkin", "#d9701e"],
  ["apricot", "#fbb982"], ["peach", "#ffcba8"], ["salmon", "#f69280"], ["coral", "#ff7a62"], ["tomato-red", "#e5432f"],
  ["red", "#d1202a"], ["crimson", "#b0122f"], ["burgundy", "#701e33"], ["wine", "#5b2038"], ["raspberry", "#b8305f"],
  ["rose", "#d9768d"], ["dusty-rose", "#c99a9f"], ["blush", "#f2cbcb"], ["pink", "#f49ac1"], ["icy-pink", "#f7dde8"],
  ["hot-pink", "#ee3f94"], ["fuchsia", "#c81f86"], ["magenta", "#a8206f"], ["mauve", "#a8849d"], ["orchid", "#bf73b8"],
  ["plum", "#6c3461"], ["aubergine", "#43253f"], ["violet", "#6f3fa0"], ["purple", "#5a2a82"], ["lavender", "#bfaee3"],
  ["lilac", "#d6bfe3"], ["periwinkle", "#8d96dc"], ["indigo", "#36368c"], ["navy", "#1d2a52"], ["midnight-blue", "#121a33"],
  ["royal-blue", "#2349b8"], ["cobalt", "#1451b5"], ["blue", "#2f74d0"], ["denim", "#4f6f97"], ["slate-blue", "#6f87a6"],
  ["sky-blue", "#86bfe8"], ["powder-blue", "#b5cfe6"], ["icy-blue", "#ddecf6"], ["petrol", "#1c5768"], ["teal", "#1f7474"],
  ["turquoise", "#2fbfb5"], ["lagoon", "#4bb3c8"], ["mint-green", "#5cc8a1"], ["aqua", "#8fdcd6"], ["mint", "#bfe8cf"], ["seafoam", "#97cbb5"], ["jade", "#2f9a74"],
  ["emerald", "#0c7f55"], ["pine-green", "#1f5443"], ["forest-green", "#2b4f2c"], ["leaf-green", "#5a9a3c"], ["fresh-green", "#8fcc4f"],
  ["lime", "#c3dc4d"], ["sage", "#a3b093"], ["eucalyptus", "#a9c9c4"], ["sea-blue", "#7fa8b8"], ["moss", "#74793f"], ["olive", "#6a6a2b"], ["khaki", "#a59b67"],
  ["mustard", "#cf9a25"], ["golden-yellow", "#f4b72f"], ["yellow", "#f9dd3e"], ["lemon", "#fbf08a"], ["gold", "#c99b3a"],
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
 * The name of the nearest colour that has one.
 *
 * @param {string} hex
 * @returns {string} the id of a message
 */
export function colourName(hex) {
  const rgb = parseHex(hex);
  if (!rgb) return "colour-unknown";
  const [l, a, b] = toOklab(rgb);
  let best = NAMED[0];
  let nearest = Infinity;
  for (const named of NAMED) {
    const [nl, na, nb] = named.lab;
    // Hue counts for more than lightness: a pale teal is a teal before it is a grey.
    const distance = (l - nl) ** 2 + 4 * ((a - na) ** 2 + (b - nb) ** 2);
    if (distance < nearest) [best, nearest] = [named, distance];
  }
  return `colour-${best.name}`;
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
