// @ts-check
// Puts a picture where the server says, for a post, a message or a profile.

import { ApiError, backoff, CallbackError, sleep } from "../../../client/http.js";
import { putPhoto } from "../../../client/upload.js";

/** @typedef {import("../app.js").App} App */

const ATTEMPTS = 3;

/**
 * @param {App} app
 * @param {Blob} picture
 * @param {{ onProgress?: (fraction: number) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<string>} its key
 * @throws {ApiError}
 */
export async function uploadPicture(app, picture, { onProgress, signal } = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const place = await app.api.requestUpload({ contentType: picture.type || "image/jpeg", contentLength: picture.size }, { signal });
    try {
      await putPhoto(app.api, place, picture, { onProgress, signal });
      return place.objectKey;
    } catch (error) {
      if (error instanceof CallbackError) throw error.thrown;
      if (!(error instanceof ApiError) || attempt >= ATTEMPTS || !(error.transient || error.status === 403)) throw error;
      await sleep(backoff(attempt, { baseMs: 1000 }), signal);
    }
  }
}
