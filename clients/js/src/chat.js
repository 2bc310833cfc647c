// @ts-check
// Rooms and their messages. A message has the next number of its room, without gaps: what is missing can be seen and fetched.

/** @typedef {import("./caller.js").Caller} Caller */
/** @typedef {import("./caller.js").CallOptions} CallOptions */
/** @typedef {import("./caller.js").PageOptions} PageOptions */
/** @typedef {import("./api.js").Picture} Picture */
/** @typedef {import("./people.js").Person} Person */

/**
 * @typedef {object} Room
 * @property {string} id
 * @property {"direct" | "group"} kind
 * @property {string | null} name of a group
 * @property {Picture | null} picture of a group
 * @property {string | null} owner of a group
 * @property {Person | null} peer the other person of a direct room; null once they are gone
 * @property {number} members
 * @property {number} lastSeq
 * @property {string} lastAt
 * @property {{ seq: number, kind: "text" | "image" | "deleted", text: string | null } | null} preview the newest message
 * @property {number} readSeq how far the caller has read
 * @property {number} unread
 * @property {boolean} muted
 */

/** @typedef {"text" | "image" | "joined" | "left" | "removed" | "renamed" | "picture" | "edited" | "deleted"} EntryKind */

/**
 * @typedef {object} LogEntry a message, or something else that happened
 * @property {number} seq
 * @property {string} id
 * @property {EntryKind} kind
 * @property {string | null} sender
 * @property {string | null} clientKey
 * @property {string | null} text
 * @property {Picture[]} pictures
 * @property {string | null} subject whom `joined`, `left` and `removed` are about
 * @property {number | null} target the message that was edited or deleted
 * @property {number} unread members who have not read it
 * @property {string} sentAt
 * @property {string | null} editedAt
 * @property {boolean} isDeleted
 */

/** @typedef {Person & { readSeq: number }} Member */
/** @typedef {{ items: LogEntry[], more: boolean, lastSeq: number, nextBefore: number | null }} Log `nextBefore`: of a search, where to go on */
/** @typedef {{ id: string, seq: number, sentAt: string }} Stored */

export class ChatApi {
  #caller;

  /** @param {Caller} caller */
  constructor(caller) {
    this.#caller = caller;
  }

  /**
   * Lists the caller's rooms, those with the newest messages first.
   *
   * @param {PageOptions} [options]
   * @returns {Promise<{ items: Room[], nextCursor: string | null }>}
   */
  listRooms(options) {
    return this.#caller.page("/v1/rooms", options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Room>}
   */
  getRoom(id, options) {
    return this.#caller.call("GET", path(id), {}, options);
  }

  /**
   * Opens the room with a person, of which there is one for each pair.
   *
   * @param {string} userId
   * @param {CallOptions} [options]
   * @returns {Promise<Room>}
   */
  openDirect(userId, options) {
    return this.#caller.call("POST", "/v1/rooms", { json: { userId } }, options);
  }

  /**
   * Opens a group. Not repeated: each call opens another.
   *
   * @param {string} name
   * @param {string[]} memberIds
   * @param {CallOptions} [options]
   * @returns {Promise<Room>}
   */
  createGroup(name, memberIds, options) {
    return this.#caller.call("POST", "/v1/rooms", { json: { name, memberIds } }, { ...options, attempts: 1 });
  }

  /**
   * @param {string} id
   * @param {{ name?: string, muted?: boolean }} change
   * @param {CallOptions} [options]
   * @returns {Promise<Room>}
   */
  changeRoom(id, change, options) {
    return this.#caller.call("PATCH", path(id), { json: change }, options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  leave(id, options) {
    return this.#caller.call("POST", `${path(id)}/leave`, {}, options);
  }

  /**
   * @param {string} id
   * @param {PageOptions} [options]
   * @returns {Promise<{ items: Member[], nextCursor: string | null }>}
   */
  listMembers(id, options) {
    return this.#caller.page(`${path(id)}/members`, options);
  }

  /**
   * @param {string} id
   * @param {string} user
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  invite(id, user, options) {
    return this.#caller.call("PUT", `${path(id)}/members/${encodeURIComponent(user)}`, {}, options);
  }

  /**
   * Reads the log: the newest entries, or those before or after a number; in the order of the numbers.
   *
   * @param {string} id
   * @param {CallOptions & { before?: number, after?: number, limit?: number }} [options]
   * @returns {Promise<Log>}
   */
  listEntries(id, { before, after, ...options } = {}) {
    return this.#caller.page(`${path(id)}/messages`, { ...options, query: { before, after } });
  }

  /**
   * Searches the messages of a room, the newest first. A call looks at some thousands of entries, and may find none of many:
   * it goes on with `before: nextBefore`.
   *
   * @param {string} id
   * @param {string} text
   * @param {CallOptions & { before?: number, limit?: number }} [options]
   * @returns {Promise<Log>}
   */
  search(id, text, { before, ...options } = {}) {
    return this.#caller.page(`${path(id)}/messages`, { ...options, query: { q: text, before } });
  }

  /**
   * Gives a group a picture, of an upload; its owner may.
   *
   * @param {string} id
   * @param {string} objectKey
   * @param {CallOptions} [options]
   * @returns {Promise<Room>}
   */
  setPicture(id, objectKey, options) {
    return this.#caller.call("PUT", `${path(id)}/picture`, { json: { objectKey } }, options);
  }

  /**
   * Sends a message. The same `clientKey` is one message, however often it is sent.
   *
   * @param {string} id
   * @param {{ text?: string, pictures?: string[], clientKey: string }} message `pictures`: keys of uploads, at most 5
   * @param {CallOptions} [options]
   * @returns {Promise<Stored>}
   */
  send(id, message, options) {
    return this.#caller.call("POST", `${path(id)}/messages`, { json: message }, options);
  }

  /**
   * Gives a message of the caller's another text.
   *
   * @param {string} id
   * @param {number} seq
   * @param {string} text
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  editMessage(id, seq, text, options) {
    return this.#caller.call("PATCH", `${path(id)}/messages/${seq}`, { json: { text } }, options);
  }

  /**
   * @param {string} id
   * @param {number} seq
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  deleteMessage(id, seq, options) {
    return this.#caller.call("DELETE", `${path(id)}/messages/${seq}`, {}, options);
  }

  /**
   * Reports a message to the operators.
   *
   * @param {string} id
   * @param {number} seq
   * @param {{ reason: import("./comments.js").Reason, description?: string }} report
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  reportMessage(id, seq, report, options) {
    return this.#caller.call("POST", `${path(id)}/messages/${seq}/report`, { json: report }, options);
  }

  /**
   * Says how far the caller has read.
   *
   * @param {string} id
   * @param {number} seq
   * @param {CallOptions} [options]
   * @returns {Promise<{ readSeq: number, unread: number }>}
   */
  markRead(id, seq, options) {
    return this.#caller.call("PUT", `${path(id)}/read`, { json: { seq } }, options);
  }
}

/** @param {string} id */
function path(id) {
  return `/v1/rooms/${encodeURIComponent(id)}`;
}
