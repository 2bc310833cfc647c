// @ts-check
// The calls of the ToneUp API, each with the session's token.

import { Caller } from "./caller.js";
import { CatalogueApi } from "./catalogue.js";
import { ChatApi } from "./chat.js";
import { CommentsApi } from "./comments.js";
import { ApiError, CallbackError, readProblem, withPatience } from "./http.js";
import { NoticesApi } from "./notices.js";
import { PeopleApi } from "./people.js";
import { PostsApi } from "./posts.js";
import { transfer } from "./transfer.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {"queued" | "running" | "succeeded" | "failed" | "cancelled" | "expired"} Status */
/** @typedef {"SPRING" | "SUMMER" | "AUTUMN" | "WINTER"} Season */
/** @typedef {{ L: number, a: number, b: number, chroma: number, hue: number, ita: number, hex: string }} Skin */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

/**
 * @typedef {object} Result
 * @property {Season} personalColor
 * @property {string | null} [subtype]
 * @property {string | null} [undertone]
 * @property {number | null} [confidence] 0 to 1
 * @property {Skin | null} [skin]
 * @property {string | number | null} [contrast]
 * @property {string[]} [palette] `#rrggbb`
 * @property {Box | null} [face]
 * @property {Record<Season, number> | null} [probabilities] how likely each season is
 * @property {{ hex: string, kelvin: number, trust: number } | null} [light]
 * @property {{ name: string, measured: boolean, points: [number, number][] }[]} [regions] in pixels of the upright photo
 * @property {{ code: string, effect: number }[]} [influences]
 * @property {string[]} [warnings]
 * @property {{ name: string, version: string } | null} [model]
 * @property {boolean} [reused] the answer that the same photo got before
 * @property {PhotoResult[]} [photos] what each of several photos came to, in their order
 * @property {number} [clearest] index in `photos` of the one whose skin, light, face and regions these are
 * @property {number} [spread] disagreement of the photos, 0 to 1
 */

/**
 * @typedef {object} PhotoResult
 * @property {Season | null} personalColor null if it was left out
 * @property {number | null} confidence
 * @property {string[]} warnings
 * @property {{ code: string, message: string, retryable: boolean } | null} leftOut why
 */

/**
 * @typedef {object} Analysis
 * @property {string} id
 * @property {Status} status
 * @property {number} [version] grows with every change
 * @property {string} createdAt
 * @property {string | null} [startedAt]
 * @property {string | null} [finishedAt]
 * @property {number} [attempt]
 * @property {number | null} [queuePosition]
 * @property {number | null} [estimatedWaitSeconds]
 * @property {Result | null} [result]
 * @property {{ code: string, message: string, retryable: boolean } | null} [error]
 * @property {Told[]} [advice] on the error or the warnings, in the language the browser asked for
 * @property {Told[]} [reasons] what moved the result, in the same language
 * @property {Record<string, string>} [metadata] what was noted when it was submitted
 */

/**
 * @typedef {object} Noted
 * @property {Date | string} [deadline] until when the answer is of use
 * @property {Record<string, string>} [metadata] what you note with the analysis
 * @property {string} [webhook] a URL that is called when the analysis ends
 */

/** @typedef {{ code: string, language: string, title?: string | null, text: string }} Told */

/** @typedef {{ objectKey: string, method: string, url: string, headers: Record<string, string>, expiresAt: string }} Upload */
/** @typedef {{ small: string, medium: string, large: string, thumbHash: string }} Picture addresses that may be cached for ever */
/** @typedef {{ isFollowing: boolean, isFollower: boolean, isBlocked: boolean, isMuted: boolean }} Relation */

/**
 * @typedef {object} Profile
 * @property {string} id
 * @property {number} number for clients that know numbers only
 * @property {string} nickname
 * @property {string} bio
 * @property {Season | null} personalColor that of the latest analysis that succeeded
 * @property {Picture | null} picture
 * @property {number} followers
 * @property {number} following
 * @property {Relation | null} relation null in one's own
 */

/** @typedef {{ id: string, state: "pending" | "ready" | "refused" | "deleted", picture: Picture | null, errorCode: string | null }} PictureState */
/** @typedef {{ status: "pending" | "done" | "failed", requestedAt: string, finishedAt: string | null }} Deletion */
/** @typedef {import("./caller.js").OnWait} OnWait */
/** @typedef {import("./caller.js").CallOptions} CallOptions */
/** @typedef {import("./caller.js").StreamOptions} StreamOptions */

/** @param {Pick<Analysis, "status">} analysis */
export function isFinished({ status }) {
  return status !== "queued" && status !== "running";
}

/** A random UUID, also where `crypto.randomUUID` is missing: pages opened over plain HTTP on a phone. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Api {
  #caller;
  #session;
  /** The caller's own, if there is one. */
  #givenFetch;

  /** @param {{ session: Session, baseUrl?: string | URL, fetch?: typeof fetch }} options */
  constructor(options) {
    this.#caller = new Caller(options);
    this.#session = options.session;
    this.#givenFetch = options.fetch;
    /** Other people. */
    this.people = new PeopleApi(this.#caller);
    /** Posts, feeds and the diary. */
    this.posts = new PostsApi(this.#caller);
    /** Comments and reports. */
    this.comments = new CommentsApi(this.#caller);
    /** Notices of what others do. */
    this.notices = new NoticesApi(this.#caller);
    /** Rooms and messages. */
    this.chat = new ChatApi(this.#caller);
    /** Products, search and recommendations. */
    this.catalogue = new CatalogueApi(this.#caller);
  }

  /**
   * Asks for a place to put a photo.
   *
   * @param {{ contentType: string, contentLength: number, sha256?: string }} photo `sha256` in base64
   * @param {CallOptions} [options]
   * @returns {Promise<Upload>}
   */
  requestUpload(photo, options) {
    return this.#caller.call("POST", "/v1/uploads", { json: photo }, options);
  }

  /**
   * Submits an uploaded photo, or up to five of one person in one analysis. The same `key` gives the same analysis however
   * often it is sent.
   *
   * @param {string | string[]} objectKeys
   * @param {string} key 1 to 128 printable ASCII characters
   * @param {CallOptions & Noted} [options]
   * @returns {Promise<Analysis>}
   */
  createAnalysis(objectKeys, key, { deadline, metadata, webhook, ...options } = {}) {
    const keys = [objectKeys].flat();
    const photos = keys.length === 1 ? { objectKey: keys[0] } : { objectKeys: keys };
    const json = { ...photos, deadline: deadline === undefined ? undefined : timeText(deadline), metadata, webhook };
    return this.#caller.call("POST", "/v1/analyses", { json, headers: { "idempotency-key": key } }, options);
  }

  /**
   * Submits a photo that comes along in a form, or up to five of one person, of 40 MiB together. The same `key` gives the same
   * analysis however often they are sent.
   *
   * @param {Blob | Blob[]} photos
   * @param {string} key 1 to 128 printable ASCII characters
   * @param {CallOptions & Noted & { onProgress?: (fraction: number) => void }} [options]
   * @returns {Promise<Analysis>}
   */
  async createAnalysisByForm(photos, key, { deadline, metadata, webhook, onProgress, signal, onWait, attempts } = {}) {
    const form = new FormData();
    if (deadline !== undefined) form.append("deadline", timeText(deadline));
    if (metadata !== undefined) form.append("metadata", JSON.stringify(metadata));
    if (webhook !== undefined) form.append("webhook", webhook);
    for (const photo of [photos].flat()) form.append("image", photo, "photo");
    const send = async (/** @type {string} */ authorization) => {
      const headers = { accept: "application/json", authorization, "idempotency-key": key };
      const request = { method: "POST", url: `${this.#caller.baseUrl}/v1/analyses`, headers, body: form };
      const response = await this.sendBody(request, { onProgress, signal });
      if (!response.ok) throw await readProblem(response);
      return response.json().catch((cause) => {
        throw new ApiError({ code: "network", title: "Something on the way answered in place of the API", cause });
      });
    };
    try {
      return await withPatience(() => this.#caller.withToken(send, signal), { signal, onWait, attempts });
    } catch (error) {
      throw error instanceof CallbackError ? error.thrown : error;
    }
  }

  /**
   * Sends a body to any address, without a token, and tells how far it is.
   *
   * @param {import("./transfer.js").Request} request
   * @param {{ onProgress?: (fraction: number) => void, signal?: AbortSignal }} options
   * @returns {Promise<Response>}
   * @throws {ApiError | CallbackError}
   */
  sendBody(request, options) {
    return transfer(request, { ...options, fetch: this.#givenFetch });
  }

  /**
   * Withdraws an analysis, whether it waits or runs. Once more is no error; of one that ended otherwise it is (409).
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<Analysis>}
   */
  cancelAnalysis(id, options) {
    return this.#caller.call("POST", `/v1/analyses/${encodeURIComponent(id)}/cancel`, {}, options);
  }

  /**
   * Gets one analysis; with `wait`, the server holds the answer up to so many seconds until it is finished.
   *
   * @param {string} id
   * @param {CallOptions & { wait?: number }} [options]
   * @returns {Promise<Analysis>}
   */
  getAnalysis(id, { wait = 0, ...options } = {}) {
    const query = wait > 0 ? `?wait=${wait}` : "";
    const request = { timeoutMs: 15_000 + wait * 1000 };
    return this.#caller.call("GET", `/v1/analyses/${encodeURIComponent(id)}${query}`, request, options);
  }

  /**
   * Lists the caller's analyses, newest first, up to 100 at a time.
   *
   * @param {CallOptions & { cursor?: string | null, limit?: number }} [options]
   * @returns {Promise<{ items: Analysis[], nextCursor: string | null }>}
   */
  listAnalyses({ cursor, limit = 20, ...options } = {}) {
    const query = new URLSearchParams({ limit: String(limit) });
    if (cursor) query.set("cursor", cursor);
    return this.#caller.call("GET", `/v1/analyses?${query}`, {}, options);
  }

  /**
   * Gets the caller's profile.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<Profile>}
   */
  getMe(options) {
    return this.#caller.call("GET", "/v1/me", {}, options);
  }

  /**
   * Changes what is given of the caller's profile.
   *
   * @param {{ nickname?: string, bio?: string }} change
   * @param {CallOptions} [options]
   * @returns {Promise<Profile>}
   */
  changeMe(change, options) {
    return this.#caller.call("PATCH", "/v1/me", { json: change }, options);
  }

  /**
   * Has a picture for the caller's profile made of an upload.
   *
   * @param {string} objectKey
   * @param {CallOptions} [options]
   * @returns {Promise<PictureState>}
   */
  setPicture(objectKey, options) {
    return this.#caller.call("PUT", "/v1/me/picture", { json: { objectKey } }, options);
  }

  /**
   * Takes the picture off the caller's profile.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  deletePicture(options) {
    return this.#caller.call("DELETE", "/v1/me/picture", {}, options);
  }

  /**
   * Gets how far a picture of the caller's is.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<PictureState>}
   */
  getPicture(id, options) {
    return this.#caller.call("GET", `/v1/pictures/${encodeURIComponent(id)}`, {}, options);
  }

  /**
   * Gets all that is kept of the caller.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<Record<string, unknown>>}
   */
  exportMe(options) {
    return this.#caller.call("GET", "/v1/me/export", { timeoutMs: 60_000 }, options);
  }

  /**
   * Has all that is kept of the caller deleted. There is no way back.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<Deletion>}
   */
  deleteMe(options) {
    return this.#caller.call("DELETE", "/v1/me", {}, options);
  }

  /**
   * Gets how far the caller's deletion is.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<Deletion>}
   */
  getDeletion(options) {
    return this.#caller.call("GET", "/v1/me/deletion", {}, options);
  }

  /**
   * Gets the key that a browser subscribes to pushes with; null where the server sends none.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<{ publicKey: string | null }>}
   */
  getVapidKey(options) {
    return this.#caller.call("GET", "/v1/push-subscriptions/vapid-key", {}, options);
  }

  /**
   * Registers a browser's subscription for pushes. The same one again is the same registration.
   *
   * @param {{ kind: "web", endpoint?: string, keys?: Record<string, string> }} subscription
   * @param {CallOptions} [options]
   * @returns {Promise<{ id: string }>}
   */
  createPushSubscription(subscription, options) {
    return this.#caller.call("POST", "/v1/push-subscriptions", { json: subscription }, options);
  }

  /**
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  deletePushSubscription(id, options) {
    return this.#caller.call("DELETE", `/v1/push-subscriptions/${encodeURIComponent(id)}`, {}, options);
  }

  /**
   * Opens the event stream of one analysis. Not repeated here: the watcher has its own way back.
   *
   * @param {string} id
   * @param {StreamOptions} options
   */
  openEvents(id, options) {
    return this.#caller.openStream(`/v1/analyses/${encodeURIComponent(id)}/events`, options);
  }

  /**
   * Opens the event stream of all of the caller's analyses. Not repeated here either.
   *
   * @param {StreamOptions} options
   */
  openAllEvents(options) {
    return this.#caller.openStream("/v1/events", options);
  }

  /**
   * Lists the providers with whose accounts one can sign in.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<{ items: { name: string, title: string }[] }>}
   */
  listProviders(options) {
    return this.#caller.open("GET", "/v1/sign-in/providers", {}, options);
  }

  /**
   * Begins to sign in with a browser: `url` is the provider's page. The session, if there is one, is kept: a guest becomes the
   * account.
   *
   * @param {string} provider
   * @param {{ returnTo?: string, link?: boolean }} json
   * @param {CallOptions} [options]
   * @returns {Promise<{ url: string }>}
   */
  startSignIn(provider, json, options) {
    const path = `/v1/sign-in/${encodeURIComponent(provider)}`;
    const request = { json, cookies: true };
    return this.#session.exists ? this.#caller.call("POST", path, request, options) : this.#caller.open("POST", path, request, options);
  }

  /**
   * Fetches the session that the provider's page has led to, by the cookie that it left.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<{ userId: string, accessToken: string, refreshToken: string, expiresIn: number }>}
   */
  fetchSession(options) {
    return this.#caller.open("POST", "/v1/sign-in/session", { json: {}, cookies: true }, options);
  }

  /**
   * Lists the accounts elsewhere that open the caller's; none of a guest.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<{ items: { id: string, provider: string, createdAt: string }[] }>}
   */
  listIdentities(options) {
    return this.#caller.call("GET", "/v1/identities", {}, options);
  }

  /**
   * Takes an account elsewhere away: it opens the caller's no longer. The last one stays (409).
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<null>}
   */
  deleteIdentity(id, options) {
    return this.#caller.call("DELETE", `/v1/identities/${encodeURIComponent(id)}`, {}, options);
  }

  /**
   * Lists the devices on which the caller is signed in.
   *
   * @param {CallOptions} [options]
   * @returns {Promise<{ items: { id: string, device: string, current: boolean, createdAt: string, lastSeenAt: string, expiresAt: string }[] }>}
   */
  listSessions(options) {
    return this.#caller.call("GET", "/v1/sessions", {}, options);
  }

  /**
   * Ends a session; `current` is the caller's own.
   *
   * @param {string} id
   * @param {CallOptions} [options]
   * @returns {Promise<void>}
   */
  endSession(id, options) {
    return this.#caller.call("DELETE", `/v1/sessions/${id}`, {}, options);
  }
}

/**
 * A time as the API reads it.
 *
 * @param {Date | string} time
 */
function timeText(time) {
  return time instanceof Date ? time.toISOString() : time;
}
