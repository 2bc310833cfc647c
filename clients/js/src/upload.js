// @ts-check
// A photo on its way: checked, put straight into the object store, submitted. No DOM.

import { uuid } from "./api.js";
import { ApiError, asApiError, backoff, deadline, sleep } from "./http.js";

/** @typedef {import("./api.js").Api} Api */
/** @typedef {import("./api.js").Upload} Upload */
/** @typedef {(fraction: number) => void} OnProgress */

export const LARGEST_PHOTO_BYTES = 10 * 1024 * 1024;

/** An upload that moves no byte for this long is given up. */
const STALL_MS = 30_000;
const PUT_ATTEMPTS = 3;

/** So many bytes are enough to tell a type. */
const HEAD_BYTES = 32;

const HEIC_BRANDS = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];

/**
 * Tells a photo's type from its first bytes, because names and declared types are often wrong or missing
 * (HEIC files have none in most browsers).
 *
 * @param {Uint8Array} head the file's first bytes
 * @returns {string | null} a MIME type, also of images that are not accepted; null when it is no image
 */
export function sniffImageType(head) {
  const ascii = (/** @type {number} */ from, /** @type {number} */ to) => String.fromCharCode(...head.slice(from, to));
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return "image/jpeg";
  if (head[0] === 0x89 && ascii(1, 8) === "PNG\r\n\x1a\n") return "image/png";
  if (ascii(0, 4) === "RIFF" && ascii(8, 12) === "WEBP") return "image/webp";
  if (ascii(4, 8) === "ftyp") {
    // An AVIF may call itself by HEIF's general name and say what it is among the compatible brands.
    if (ascii(8, head.length).includes("avif")) return "image/avif";
    return HEIC_BRANDS.includes(ascii(8, 12)) ? "image/heic" : null;
  }
  if (ascii(0, 4) === "GIF8") return "image/gif";
  if (ascii(0, 4) === "II*\0" || ascii(0, 4) === "MM\0*") return "image/tiff";
  if (ascii(0, 2) === "BM") return "image/bmp";
  return null;
}

const ACCEPTED = ["image/jpeg", "image/png", "image/webp", "image/heic"];

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
 * Puts a photo where the server said. In browsers by `XMLHttpRequest`, because `fetch` cannot tell how much has been sent.
 *
 * @param {Upload} upload
 * @param {Blob} photo
 * @param {{ onProgress?: OnProgress, signal?: AbortSignal }} [options]
 * @returns {Promise<void>}
 * @throws {ApiError}
 */
export function putPhoto(upload, photo, { onProgress, signal } = {}) {
  if (typeof XMLHttpRequest === "undefined") return fetchPhoto(upload, photo, { onProgress, signal });
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let stall;
    const cancel = () => request.abort();
    const watch = () => {
      clearTimeout(stall);
      stall = setTimeout(() => {
        fail(new ApiError({ code: "timeout", title: "The upload stalled" }));
        request.abort();
      }, STALL_MS);
    };
    const settle = () => {
      clearTimeout(stall);
      signal?.removeEventListener("abort", cancel);
    };
    const fail = (/** @type {unknown} */ error) => {
      settle();
      reject(error);
    };
    request.upload.onprogress = ({ loaded, total }) => {
      watch();
      onProgress?.(total > 0 ? loaded / total : 0);
    };
    request.onload = () => {
      if (request.status < 200 || request.status > 299) {
        return fail(new ApiError({ code: "upload_refused", status: request.status, title: "The upload was refused" }));
      }
      settle();
      onProgress?.(1);
      resolve();
    };
    request.onerror = () => fail(new ApiError({ code: "network", title: "The upload broke off" }));
    request.onabort = () => fail(signal?.reason ?? new ApiError({ code: "network" }));
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) {
      // The browser sets these itself and refuses to let a script do it.
      if (!/^(content-length|host)$/i.test(name)) request.setRequestHeader(name, value);
    }
    signal?.addEventListener("abort", cancel, { once: true });
    watch();
    request.send(photo);
  });
}

/** Longest upload where its progress cannot be seen. */
const LONGEST_PUT_MS = 120_000;

/**
 * The same with `fetch`, where there is nothing else: the whole upload is one step.
 *
 * @param {Upload} upload
 * @param {Blob} photo
 * @param {{ onProgress?: OnProgress, signal?: AbortSignal }} options
 */
async function fetchPhoto({ url, method, headers }, photo, { onProgress, signal }) {
  const limit = deadline(signal, LONGEST_PUT_MS);
  const sent = Object.entries(headers).filter(([name]) => !/^(content-length|host)$/i.test(name));
  try {
    const answer = await fetch(url, { method, headers: Object.fromEntries(sent), body: photo, signal: limit.signal });
    await answer.arrayBuffer();
    if (!answer.ok) {
      throw new ApiError({ code: "upload_refused", status: answer.status, title: "The upload was refused" });
    }
    onProgress?.(1);
  } catch (error) {
    throw asApiError(error, limit.signal, signal);
  } finally {
    limit.release();
  }
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
 * Uploads and submits a photo: afterwards the job is safe with the server, whatever happens to the page.
 *
 * @param {Api} api
 * @param {Blob} photo one that passed `checkPhoto`
 * @param {object} options
 * @param {string} options.contentType
 * @param {OnProgress} [options.onProgress]
 * @param {import("./api.js").OnWait} [options.onWait]
 * @param {AbortSignal} [options.signal]
 * @param {typeof putPhoto} [options.put]
 * @returns {Promise<import("./api.js").Analysis>}
 * @throws {ApiError}
 */
export async function submitPhoto(api, photo, { contentType, onProgress, onWait, signal, put = putPhoto }) {
  const key = uuid();
  const sha256 = await digest(photo);
  const objectKey = await upload();
  return api.createAnalysis(objectKey, key, { signal, onWait });

  async function upload() {
    for (let attempt = 1; ; attempt += 1) {
      // A fresh address each time: the old one may be what was wrong, having expired.
      const place = await api.requestUpload({ contentType, contentLength: photo.size, sha256 }, { signal, onWait });
      try {
        await put(place, photo, { onProgress, signal });
        return place.objectKey;
      } catch (error) {
        const mayPass = error instanceof ApiError && (error.transient || error.status === 403);
        if (!mayPass || attempt >= PUT_ATTEMPTS) throw error;
        await sleep(backoff(attempt, { baseMs: 1000 }), signal);
      }
    }
  }
}
