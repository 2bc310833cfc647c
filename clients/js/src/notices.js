// @ts-check
// Notices of what other people do that concerns the caller, and what the caller wishes to be told.

/** @typedef {import("./caller.js").Caller} Caller */
/** @typedef {import("./caller.js").CallOptions} CallOptions */
/** @typedef {import("./caller.js").PageOptions} PageOptions */
/** @typedef {import("./people.js").Person} Person */
/** @typedef {"post.liked" | "post.commented" | "post.mentioned" | "comment.liked" | "comment.replied" | "comment.mentioned" | "person.followed" | "chat.message"} NoticeType */

/**
 * @typedef {object} Notice
 * @property {string} id
 * @property {NoticeType} type
 * @property {string} subjectId what it is about: the post, the comment, the room
 * @property {Person} actor who came last
 * @property {number} others how many other people
 * @property {number} times how often
 * @property {boolean} read
 * @property {string} changedAt
 */

/** @typedef {{ from: string, until: string, utcOffset: number }} QuietHours times as `HH:MM`, the offset in minutes */
/** @typedef {{ off: NoticeType[], quietHours: QuietHours | null }} NoticeSettings */

/** @type {readonly NoticeType[]} */
export const NOTICE_TYPES = [
  "post.liked",
  "post.commented",
  "post.mentioned",
  "comment.liked",
  "comment.replied",
  "comment.mentioned",
  "person.followed",
  "chat.message",
];

export class NoticesApi {
  #caller;

  /** @param {Caller} caller */
  constructor(caller) {
    this.#caller = caller;
  }

  /**
   * Lists notices, the latest first.
   *
   * @param {PageOptions} [options]
   * @returns {Promise<{ items: Notice[], unread: number, nextCursor: string | null }>} `unread`: 100 at most
   */
  list(options) {
    return this.#caller.page("/v1/notices", options);
  }

  /**
   * Marks notices as read; without `ids`, all.
   *
   * @param {string[]} [ids] at most 100
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  markRead(ids, options) {
    return this.#caller.call("POST", "/v1/notices/read", { json: ids ? { ids } : {} }, options);
  }

  /**
   * @param {CallOptions} [options]
   * @returns {Promise<NoticeSettings>}
   */
  getSettings(options) {
    return this.#caller.call("GET", "/v1/notification-settings", {}, options);
  }

  /**
   * @param {NoticeSettings} settings
   * @param {CallOptions} [options]
   * @returns {Promise<NoticeSettings>}
   */
  putSettings(settings, options) {
    return this.#caller.call("PUT", "/v1/notification-settings", { json: settings }, options);
  }
}
