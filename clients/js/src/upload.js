// @ts-check
// A photo on its way: checked, put straight into the object store or sent by a form, submitted. No DOM.

import { uuid } from "./api.js";
import { ACCEPTED, HEAD_BYTES, LARGEST_PHOTO_BYTES, sniffImageType } from "./formats.js";
import { ApiError, backoff, CallbackError, sleep } from "./http.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Upload} Upload */
/** @typedef {(fraction: number) => void} OnProgress */

const PUT_ATTEMPTS = 3;

/**
 * Checks what can be known before anything is sent, with the codes that the server would use.
 *
 * @param {Blob} photo
 * @returns {Promise<string>} its content type
 * @throws {ApiError} `NOT_AN_IMAGE`, `UNSUPPORTED_FORMAT` or `IMAGE_TOO_LARGE`
 */
export async function checkPhoto(photo) {
  const type = sniffImageType(new Uint8Array(await photo.slice(0, HEAD_BYTES).arrayBuffer()));
  if (type === null) throw new ApiError({ code: "NOT_AN_IMAGE" });
  if (!ACCEPTED.includes(type)) throw new ApiError({ code: "UNSUPPORTED_FORMAT" });
  if (photo.size > LARGEST_PHOTO_BYTES) throw new ApiError({ code: "IMAGE_TOO_LARGE" });
  return type;
}

/**
 * Puts a photo where the server said.
 *
 * @param {Api} api
 * @param {Upload} upload
 * @param {Blob} photo
 * @param {{ onProgress?: OnProgress, signal?: AbortSignal }} [options]
 * @returns {Promise<void>}
 * @throws {ApiError}
 */
export async function putPhoto(api, { method, url, headers }, photo, options = {}) {
  const answer = await api.sendBody({ method, url, headers, body: photo }, options);
  if (answer.ok) return;
  const title = `The photo store at ${new URL(url).origin} refused the upload`;
  throw new ApiError({ code: "upload_refused", status: answer.status, title });
}

/**
 * A photo's SHA-256 in base64: the server then knows a photo that it has answered before. Only pages of secure origins can
 * tell it; the others do without.
 *
 * @param {Blob} photo
 * @returns {Promise<string | undefined>}
 */
async function digest(photo) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return undefined;
  const bytes = new Uint8Array(await subtle.digest("SHA-256", await photo.arrayBuffer()));
  return btoa(String.fromCharCode(...bytes));
}

/**
 * @typedef {object} SubmitOptions
 * @property {string} [idempotencyKey] your own, 1 to 128 printable ASCII characters: the same photo with the same key is one
 *   analysis, also when a program that was restarted sends it again. Such a photo goes through the API, not straight to the store
 * @property {Date | string} [deadline] until when the answer is of use (a string: RFC 3339)
 * @property {Record<string, string>} [metadata] what you note with the analysis, and are told with it
 * @property {string} [webhook] a URL that is called when the analysis ends
 * @property {OnProgress} [onProgress] of the upload, 0 to 1
 * @property {import("./api.js").OnWait} [onWait] told before each pause for a busy server or a broken line
 * @property {AbortSignal} [signal] ends the upload
 */

/**
 * Uploads and submits a photo: see `submitPhotos`.
 *
 * @param {Api} api
 * @param {Blob} photo one that passed `checkPhoto`
 * @param {SubmitOptions & { contentType: string }} options
 * @returns {Promise<import("./api.js").Analysis>}
 * @throws {ApiError}
 */
export async function submitPhoto(api, photo, { contentType, ...options }) {
  return submitPhotos(api, [{ photo, contentType }], options);
}

/** @typedef {{ photo: Blob, contentType: string }} CheckedPhoto one that passed `checkPhoto`, with what that answered */

/**
 * Uploads photos of one person and submits them in one analysis: afterwards the job is safe with the server, whatever happens
 * to the page. Where the photo store cannot be reached, or does not admit pages of this origin, the photos go through the API
 * in a form.
 *
 * @param {Api} api
 * @param {CheckedPhoto[]} photos one to five, best in different light
 * @param {SubmitOptions} options
 * @returns {Promise<import("./api.js").Analysis>}
 * @throws {ApiError}
 */
export async function submitPhotos(api, photos, options) {
  const { idempotencyKey, deadline, metadata, webhook, onProgress, onWait, signal } = options;
  const noted = { deadline, metadata, webhook };
  const key = idempotencyKey ?? uuid();
  const blobs = photos.map(({ photo }) => photo);
  // A key stands for a request: the form is the same each time, while each upload has another place.
  if (idempotencyKey !== undefined) return api.createAnalysisByForm(blobs, key, { ...noted, onProgress, onWait, signal });
  const places = await uploadPhotos(api, photos, { onProgress, onWait, signal });
  if (Array.isArray(places)) return api.createAnalysis(places, key, { ...noted, signal, onWait });
  try {
    const told = { onProgress: guarded(onProgress), onWait: guarded(onWait) };
    return await api.createAnalysisByForm(blobs, key, { ...noted, signal, ...told });
  } catch (error) {
    if (error instanceof CallbackError) throw error.thrown;
    throw error instanceof ApiError ? bothFailed(places, error) : error;
  }
}

/** @typedef {Pick<SubmitOptions, "onProgress" | "onWait" | "signal">} UploadOptions */

/**
 * Uploads photos one after the other.
 *
 * @param {Api} api
 * @param {CheckedPhoto[]} photos
 * @param {UploadOptions} options
 * @returns {Promise<string[] | ApiError>} their keys, or why the store cannot be reached
 * @throws {ApiError}
 */
async function uploadPhotos(api, photos, { onProgress, ...options }) {
  const total = photos.reduce((sum, { photo }) => sum + photo.size, 0);
  /** @type {string[]} */
  const keys = [];
  let sent = 0;
  for (const one of photos) {
    const { size } = one.photo;
    const before = sent;
    const told = onProgress && ((/** @type {number} */ fraction) => onProgress((before + fraction * size) / total));
    const key = await uploadPhoto(api, one, { onProgress: told, ...options });
    if (key instanceof ApiError) return key;
    keys.push(key);
    sent += size;
  }
  return keys;
}

/**
 * Uploads a photo, with a fresh place for each attempt.
 *
 * @param {Api} api
 * @param {CheckedPhoto} photo
 * @param {UploadOptions} options
 * @returns {Promise<string | ApiError>} its key, or why the store cannot be reached
 * @throws {ApiError}
 */
async function uploadPhoto(api, { photo, contentType }, { onProgress, onWait, signal }) {
  const sha256 = await digest(photo);
  for (let attempt = 1; ; attempt += 1) {
    // A fresh address each time: the old one may be what was wrong, having expired.
    const place = await api.requestUpload({ contentType, contentLength: photo.size, sha256 }, { signal, onWait });
    try {
      await putPhoto(api, place, photo, { onProgress, signal });
      return place.objectKey;
    } catch (error) {
      if (error instanceof CallbackError) throw error.thrown;
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 0) return error;
      if (!(error.transient || error.status === 403) || attempt >= PUT_ATTEMPTS) throw error;
      await sleep(backoff(attempt, { baseMs: 1000 }), signal);
    }
  }
}

/**
 * Marks what a callback throws, so that it is not taken for an error of the API.
 *
 * @template T
 * @param {((news: T) => void) | undefined} callback
 * @returns {((news: T) => void) | undefined}
 */
function guarded(callback) {
  if (!callback) return undefined;
  return (news) => {
    try {
      callback(news);
    } catch (error) {
      throw new CallbackError(error);
    }
  };
}

/**
 * Makes the error of a photo that failed both ways; its code is that of the form.
 *
 * @param {ApiError} store
 * @param {ApiError} form
 */
function bothFailed(store, form) {
  const { code, status, title, traceId, errors, retryAfterSeconds } = form;
  const detail = `The upload failed (${store.message}), and so did the form of POST /v1/analyses (${form.message})`;
  return new ApiError({ code, status, title, detail, traceId, errors, retryAfterSeconds, cause: form });
}
