// @ts-check
// Comments on posts, with one level of replies, and reports of what should not be there.

/** @typedef {import("./caller.js").Caller} Caller */
/** @typedef {import("./caller.js").CallOptions} CallOptions */
/** @typedef {import("./caller.js").PageOptions} PageOptions */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {import("./posts.js").Liked} Liked */

/**
 * @typedef {object} Comment
 * @property {string} id
 * @property {string} postId
 * @property {string | null} parentId the comment that it replies to
 * @property {Person | null} author null where the comment was deleted and stays for its replies
 * @property {string} text empty where it was deleted
 * @property {number} likes
 * @property {number} replies
 * @property {boolean} isLiked
 * @property {boolean} isDeleted
 * @property {string} createdAt
 * @property {string | null} editedAt
 */

/** @typedef {{ items: Comment[], nextCursor: string | null }} Comments */
/** @typedef {"spam" | "abuse" | "nudity" | "violence" | "fraud" | "copyright" | "other"} Reason */

export class CommentsApi {
  #caller;

  /** @param {Caller} caller */
  constructor(caller) {
    this.#caller = caller;
  }

  /**
   * @param {string} post
   * @param {PageOptions} [options]
   * @returns {Promise<Comments>}
   */
  list(post, options) {
    return this.#caller.page(`/v1/posts/${encodeURIComponent(post)}/comments`, options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Comment>}
   */
  get(id, options) {
    return this.#caller.call("GET", path(id), {}, options);
  }

  /**
   * @param {string} comment
   * @param {PageOptions} [options]
   * @returns {Promise<Comments>}
   */
  listReplies(comment, options) {
    return this.#caller.page(`${path(comment)}/replies`, options);
  }

  /**
   * Comments on a post, or replies to a comment on it. The same `key` comments once.
   *
   * @param {string} post
   * @param {{ text: string, parentId?: string }} comment
   * @param {string} key 1 to 128 printable ASCII characters
   * @param {CallOptions} [options]
   * @returns {Promise<Comment>}
   */
  create(post, comment, key, options) {
    const request = { json: comment, headers: { "idempotency-key": key } };
    return this.#caller.call("POST", `/v1/posts/${encodeURIComponent(post)}/comments`, request, options);
  }

  /**
   * @param {string} id
   * @param {string} text
   * @param {CallOptions} [options]
   * @returns {Promise<Comment>}
   */
  change(id, text, options) {
    return this.#caller.call("PATCH", path(id), { json: { text } }, options);
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
   * Likes a comment, or no longer. Safe to repeat.
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
   * Reports something to the operators.
   *
   * @param {{ kind: "post" | "comment" | "user", id: string, reason: Reason, description?: string }} report
   * @param {CallOptions} [options]
   * @returns {Promise<unknown>}
   */
  report(report, options) {
    return this.#caller.call("POST", "/v1/reports", { json: report }, options);
  }
}

/** @param {string} id */
function path(id) {
  return `/v1/comments/${encodeURIComponent(id)}`;
}
