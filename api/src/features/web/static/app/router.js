// @ts-check
// Which view an address leads to. Pure: no DOM.

/** @typedef {{ view: string, path: string, tab: string, params: Record<string, string> }} Route */

/** @type {[pattern: string, view: string, tab: string, fixed?: Record<string, string>][]} */
const ROUTES = [
  ["/feed", "feed", "feed", { feed: "home" }],
  ["/feed/discover", "feed", "feed", { feed: "newest" }],
  ["/feed/ranking", "feed", "feed", { feed: "ranking" }],
  ["/post/:id", "post", "feed"],
  ["/comment/:id", "comment", "feed"],
  ["/compose", "compose", "compose"],
  ["/diary", "diary", "me"],
  ["/diary/:id", "entry", "me"],
  ["/shop", "shop", "shop"],
  ["/product/:id", "product", "shop"],
  ["/search", "search", "search"],
  ["/chat", "chat", "chat"],
  ["/room/:id", "room", "chat"],
  ["/notices", "notices", "notices"],
  ["/settings", "settings", "me"],
  ["/people/:id", "profile", ""],
  ["/people/:id/:list", "people", ""],
  ["/me", "profile", "me", { id: "" }],
];

/** Where the page opens, and where an address leads that is none. */
export const HOME = "/feed";

/**
 * Finds the view of an address.
 *
 * @param {string} hash the part of the address from the `#` on
 * @returns {Route | null} null where there is none
 */
export function match(hash) {
  const [path, query = ""] = hash.replace(/^#/, "").split("?", 2);
  const parts = path.split("/");
  for (const [pattern, view, tab, fixed] of ROUTES) {
    const wanted = pattern.split("/");
    if (wanted.length !== parts.length) continue;
    /** @type {Record<string, string>} */
    const params = { ...Object.fromEntries(new URLSearchParams(query)), ...fixed };
    const fits = wanted.every((part, at) => {
      if (!part.startsWith(":")) return part === parts[at];
      params[part.slice(1)] = decode(parts[at]);
      return parts[at] !== "";
    });
    if (fits) return { view, tab, params, path: query ? `${path}?${query}` : path };
  }
  return null;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
