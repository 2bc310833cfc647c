// @ts-check
// Other people: who they are, and what is between them and the caller.

/** @typedef {import("./caller.js").Caller} Caller */
/** @typedef {import("./caller.js").CallOptions} CallOptions */
/** @typedef {import("./caller.js").PageOptions} PageOptions */
/** @typedef {import("./api.js").Profile} Profile */
/** @typedef {import("./api.js").Picture} Picture */
/** @typedef {import("./api.js").Season} Season */
/** @typedef {{ id: string, number: number, nickname: string, personalColor?: Season | null, picture: Picture | null }} Person */
/** @typedef {{ items: Person[], nextCursor: string | null }} People */

export class PeopleApi {
  #caller;

  /** @param {Caller} caller */
  constructor(caller) {
    this.#caller = caller;
  }

  /**
   * Gets somebody's profile.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Profile>}
   */
  get(id, options) {
    return this.#caller.call("GET", path(id), {}, options);
  }

  /**
   * Finds people by how their nicknames begin.
   *
   * @param {string} nickname
   * @param {PageOptions} [options]
   * @returns {Promise<People>}
   */
  find(nickname, options) {
    return this.#caller.page("/v1/users", { ...options, query: { nickname } });
  }

  /**
   * Follows somebody, or no longer. Safe to repeat, as are the next two.
   *
   * @param {string} id
   * @param {boolean} wanted
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  setFollow(id, wanted, options) {
    return this.#caller.call(wanted ? "PUT" : "DELETE", `${path(id)}/follow`, {}, options);
  }

  /**
   * Blocks somebody: neither sees anything of the other.
   *
   * @param {string} id
   * @param {boolean} wanted
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  setBlock(id, wanted, options) {
    return this.#caller.call(wanted ? "PUT" : "DELETE", `${path(id)}/block`, {}, options);
  }

  /**
   * Mutes somebody: the caller is shown and told nothing of them.
   *
   * @param {string} id
   * @param {boolean} wanted
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  setMute(id, wanted, options) {
    return this.#caller.call(wanted ? "PUT" : "DELETE", `${path(id)}/mute`, {}, options);
  }

  /**
   * @param {string} id
   * @param {PageOptions} [options]
   * @returns {Promise<People>}
   */
  listFollowers(id, options) {
    return this.#caller.page(`${path(id)}/followers`, options);
  }

  /**
   * @param {string} id
   * @param {PageOptions} [options]
   * @returns {Promise<People>}
   */
  listFollowing(id, options) {
    return this.#caller.page(`${path(id)}/following`, options);
  }

  /**
   * Lists whom the caller blocks.
   *
   * @param {PageOptions} [options]
   * @returns {Promise<People>}
   */
  listBlocks(options) {
    return this.#caller.page("/v1/me/blocks", options);
  }

  /**
   * Lists whom the caller mutes.
   *
   * @param {PageOptions} [options]
   * @returns {Promise<People>}
   */
  listMutes(options) {
    return this.#caller.page("/v1/me/mutes", options);
  }
}

/** @param {string} id */
function path(id) {
  return `/v1/users/${encodeURIComponent(id)}`;
}
