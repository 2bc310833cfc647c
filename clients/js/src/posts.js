// @ts-check
// Posts, the lists of them, and the diary: posts with a title that nobody but their author sees.

/** @typedef {import("./caller.js").Caller} Caller */
/** @typedef {import("./caller.js").CallOptions} CallOptions */
/** @typedef {import("./caller.js").PageOptions} PageOptions */
/** @typedef {import("./api.js").Picture} Picture */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {import("./people.js").People} People */
/** @typedef {"processing" | "ready" | "failed"} PostState */

/**
 * @typedef {object} PostPicture
 * @property {string} id
 * @property {"pending" | "ready" | "refused"} state
 * @property {Picture | null} picture once it is ready
 * @property {number | null} width in pixels, of the largest size
 * @property {number | null} height
 * @property {string} alt
 * @property {string | null} errorCode why it was refused
 */

/**
 * @typedef {object} Post
 * @property {string} id
 * @property {PostState} state others see it once it is `ready`
 * @property {Person} author
 * @property {string} text
 * @property {PostPicture[]} pictures
 * @property {number} likes
 * @property {number} comments
 * @property {boolean} isLiked
 * @property {string} createdAt
 * @property {string | null} editedAt
 */

/** @typedef {Pick<Post, "id" | "state" | "text" | "pictures" | "createdAt" | "editedAt"> & { title: string }} Entry of a diary */
/** @typedef {{ objectKey?: string, id?: string, alt?: string }} DraftPicture an upload, or in a change one that stays */
/** @typedef {{ items: Post[], nextCursor: string | null }} Posts */
/** @typedef {{ liked: boolean, likes: number }} Liked */
/** @typedef {"home" | "newest" | "ranking" | "liked"} Feed */

/** @type {Record<Feed, string>} */
const FEEDS = { home: "/v1/feed", newest: "/v1/feed/newest", ranking: "/v1/feed/ranking", liked: "/v1/feed/liked" };

export class PostsApi {
  #caller;

  /** @param {Caller} caller */
  constructor(caller) {
    this.#caller = caller;
  }

  /**
   * @param {Feed} feed
   * @param {PageOptions} [options]
   * @returns {Promise<Posts>}
   */
  list(feed, options) {
    return this.#caller.page(FEEDS[feed], options);
  }

  /**
   * Lists the caller's own, also those that are not shown yet.
   *
   * @param {PageOptions} [options]
   * @returns {Promise<Posts>}
   */
  listOwn(options) {
    return this.#caller.page("/v1/me/posts", options);
  }

  /**
   * @param {string} user
   * @param {PageOptions} [options]
   * @returns {Promise<Posts>}
   */
  listOf(user, options) {
    return this.#caller.page(`/v1/users/${encodeURIComponent(user)}/posts`, options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Post>}
   */
  get(id, options) {
    return this.#caller.call("GET", path(id), {}, options);
  }

  /**
   * Posts. The same `key` posts once, however often it is sent.
   *
   * @param {{ text: string, pictures: DraftPicture[] }} draft
   * @param {string} key 1 to 128 printable ASCII characters
   * @param {CallOptions} [options]
   * @returns {Promise<Post>}
   */
  create(draft, key, options) {
    return this.#caller.call("POST", "/v1/posts", { json: draft, headers: { "idempotency-key": key } }, options);
  }

  /**
   * @param {string} id
   * @param {{ text?: string, pictures?: DraftPicture[] }} change
   * @param {CallOptions} [options]
   * @returns {Promise<Post>}
   */
  change(id, change, options) {
    return this.#caller.call("PATCH", path(id), { json: change }, options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  delete(id, options) {
    return this.#caller.call("DELETE", path(id), {}, options);
  }

  /**
   * Likes a post, or no longer. Safe to repeat.
   *
   * @param {string} id
   * @param {boolean} wanted
   * @param {CallOptions} [options]
   * @returns {Promise<Liked>}
   */
  setLike(id, wanted, options) {
    return this.#caller.call(wanted ? "PUT" : "DELETE", `${path(id)}/like`, {}, options);
  }

  /**
   * Lists who likes a post.
   *
   * @param {string} id
   * @param {PageOptions} [options]
   * @returns {Promise<People>}
   */
  listLikes(id, options) {
    return this.#caller.page(`${path(id)}/likes`, options);
  }

  /**
   * @param {PageOptions} [options]
   * @returns {Promise<{ items: Entry[], nextCursor: string | null }>}
   */
  listEntries(options) {
    return this.#caller.page("/v1/diary", options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Entry>}
   */
  getEntry(id, options) {
    return this.#caller.call("GET", entryPath(id), {}, options);
  }

  /**
   * Writes an entry of the diary. The same `key` writes once.
   *
   * @param {{ title: string, text: string, pictures: DraftPicture[] }} draft
   * @param {string} key 1 to 128 printable ASCII characters
   * @param {CallOptions} [options]
   * @returns {Promise<Entry>}
   */
  createEntry(draft, key, options) {
    return this.#caller.call("POST", "/v1/diary", { json: draft, headers: { "idempotency-key": key } }, options);
  }

  /**
   * @param {string} id
   * @param {{ title?: string, text?: string, pictures?: DraftPicture[] }} change
   * @param {CallOptions} [options]
   * @returns {Promise<Entry>}
   */
  changeEntry(id, change, options) {
    return this.#caller.call("PATCH", entryPath(id), { json: change }, options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  deleteEntry(id, options) {
    return this.#caller.call("DELETE", entryPath(id), {}, options);
  }
}

/** @param {string} id */
function path(id) {
  return `/v1/posts/${encodeURIComponent(id)}`;
}

/** @param {string} id */
function entryPath(id) {
  return `/v1/diary/${encodeURIComponent(id)}`;
}
