// @ts-check
// Products: found by words, suggested while one types, recommended by colour.

/** @typedef {import("./caller.js").Caller} Caller */
/** @typedef {import("./caller.js").CallOptions} CallOptions */
/** @typedef {import("./caller.js").PageOptions} PageOptions */
/** @typedef {import("./api.js").Season} Season */
/** @typedef {import("./posts.js").Liked} Liked */
/** @typedef {"FEMALE" | "MALE" | "UNISEX"} Sex */

/**
 * @typedef {object} Product
 * @property {number} id
 * @property {string} brand
 * @property {string} name
 * @property {number} price in won
 * @property {string} type what it is
 * @property {Sex} sex
 * @property {string | null} color what the shop calls the colour
 * @property {string | null} hex `#RRGGBB`
 * @property {string} url the shop's page
 * @property {string[]} pictures addresses
 * @property {{ season: Season, weight: number }[]} seasons that it suits; weights 1 to 100
 * @property {boolean} isLiked
 * @property {number} likes
 */

/** @typedef {{ kind: "palette", season: Season, difference: number } | { kind: "like", productId: number } | { kind: "popular" | "new" | "surprise" }} Why */
/** @typedef {{ product: Product, why: Why[] }} Recommended */
/** @typedef {{ season?: Season, sex?: Sex, type?: string, brand?: string, color?: string, priceFrom?: number, priceTo?: number }} Selection */
/** @typedef {{ text: string, isMatch: boolean }} Segment a part of a text */
/** @typedef {{ kind: "product", product: Product, highlights: { brand: Segment[], name: Segment[] } }} Found */
/** @typedef {{ value: string, count: number }} Facet */
/** @typedef {"season" | "sex" | "type" | "brand" | "color"} FacetName */

/**
 * @typedef {object} Results
 * @property {Found[]} items the best first
 * @property {number} total
 * @property {boolean} isLoose nothing matches what was typed, and these may be meant
 * @property {Record<FacetName, Facet[]> | null} facets the most frequent values, if asked for
 * @property {string | null} nextCursor
 */

export class CatalogueApi {
  #caller;

  /** @param {Caller} caller */
  constructor(caller) {
    this.#caller = caller;
  }

  /**
   * @param {number | string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Product>}
   */
  get(id, options) {
    return this.#caller.call("GET", path(id), {}, options);
  }

  /**
   * Lists products that are like another one.
   *
   * @param {number | string} id
   * @param {PageOptions} [options]
   * @returns {Promise<{ items: Product[] }>}
   */
  listSimilar(id, options) {
    return this.#caller.page(`${path(id)}/similar`, options);
  }

  /**
   * Lists products for the caller, each with the reasons.
   *
   * @param {PageOptions & { selection?: Selection }} [options]
   * @returns {Promise<{ items: Recommended[], nextCursor: string | null }>}
   */
  listRecommended({ selection, ...options } = {}) {
    return this.#caller.page("/v1/recommendations", { ...options, query: selection });
  }

  /**
   * Likes a product, or no longer. Safe to repeat.
   *
   * @param {number | string} id
   * @param {boolean} wanted
   * @param {CallOptions} [options]
   * @returns {Promise<Liked>}
   */
  setLike(id, wanted, options) {
    return this.#caller.call(wanted ? "PUT" : "DELETE", `${path(id)}/like`, {}, options);
  }

  /**
   * Finds products: what is typed may be half a syllable, initial consonants, or lack its spaces.
   *
   * @param {string} text 1 to 200 characters
   * @param {PageOptions & { selection?: Selection, facets?: boolean }} [options]
   * @returns {Promise<Results>}
   */
  search(text, { selection, facets, ...options } = {}) {
    return this.#caller.page("/v1/search", { ...options, query: { q: text, ...(facets ? { facets: "true" } : {}), ...selection } });
  }

  /**
   * Finds posts by their text. A page may have fewer than asked for, and a next one.
   *
   * @param {string} text 1 to 200 characters
   * @param {PageOptions} [options]
   * @returns {Promise<{ items: { kind: "post", post: import("./posts.js").Post, highlights: { text: Segment[] } }[], nextCursor: string | null }>}
   */
  searchPosts(text, options = {}) {
    return this.#caller.page("/v1/search", { ...options, query: { q: text, kind: "post" } });
  }

  /**
   * Lists brands and names that a text may become which is being typed.
   *
   * @param {string} text 1 to 200 characters
   * @param {CallOptions} [options]
   * @returns {Promise<{ items: { text: string, kind: "brand" | "name" }[] }>}
   */
  suggest(text, options) {
    return this.#caller.page("/v1/search/suggestions", { ...options, query: { q: text } });
  }
}

/** @param {number | string} id */
function path(id) {
  return `/v1/products/${encodeURIComponent(String(id))}`;
}
