// @ts-check
// Sends a photo and tells how far it is. In browsers by `XMLHttpRequest`, because `fetch` cannot tell how much has been sent.

import { ApiError, asApiError, CallbackError, deadline } from "./http.js";

/** A transfer that moves no byte for this long is given up. */
const STALL_MS = 30_000;
/** Longest transfer where its progress cannot be seen: a body that keeps coming is waited for as long by the server. */
const LONGEST_MS = 300_000;
/** The browser sets these itself and refuses to let a script do it. */
const FORBIDDEN = /^(content-length|host)$/i;

/** @typedef {{ method: string, url: string, headers: Record<string, string>, body: Blob | FormData }} Request */
/** @typedef {{ onProgress?: (fraction: number) => void, signal?: AbortSignal }} TransferOptions */

/**
 * Sends a body and reports its progress.
 *
 * @param {Request} request
 * @param {TransferOptions & { fetch?: typeof fetch }} options `fetch`: the caller's own, used instead of `XMLHttpRequest`
 * @returns {Promise<Response>} the answer, whatever its status, with its body
 * @throws {ApiError | CallbackError} the second where `onProgress` threw
 */
export function transfer(request, { fetch, ...options }) {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !FORBIDDEN.test(name)));
  const sent = { ...request, headers };
  if (!fetch && typeof XMLHttpRequest !== "undefined") return transferByXhr(sent, options);
  return transferByFetch(sent, fetch ?? globalThis.fetch, options);
}

/**
 * @param {Request} request
 * @param {TransferOptions} options
 * @returns {Promise<Response>}
 */
function transferByXhr({ method, url, headers, body }, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let stall;
    const cancel = () => request.abort();
    const settle = () => {
      clearTimeout(stall);
      signal?.removeEventListener("abort", cancel);
    };
    const fail = (/** @type {unknown} */ error) => {
      settle();
      reject(error);
    };
    const watch = () => {
      clearTimeout(stall);
      stall = setTimeout(() => {
        fail(new ApiError({ code: "timeout", title: `The upload to ${originOf(url)} stalled` }));
        request.abort();
      }, STALL_MS);
    };
    const tell = (/** @type {number} */ fraction) => {
      try {
        onProgress?.(fraction);
        return true;
      } catch (error) {
        fail(new CallbackError(error));
        request.abort();
        return false;
      }
    };
    request.upload.onprogress = ({ loaded, total }) => {
      watch();
      tell(total > 0 ? loaded / total : 0);
    };
    request.onload = () => {
      const answer = readAnswer(request);
      if (answer.ok && !tell(1)) return;
      settle();
      resolve(answer);
    };
    request.onerror = () => fail(unreachable(url));
    request.onabort = () => fail(signal?.reason ?? unreachable(url));
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    signal?.addEventListener("abort", cancel, { once: true });
    watch();
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function readAnswer(request) {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split(/[\r\n]+/)) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const { status } = request;
  return new Response(status === 204 || status === 205 || status === 304 ? null : request.responseText, { status, headers });
}

/**
 * Sends with `fetch`: progress is reported at the end only.
 *
 * @param {Request} request
 * @param {typeof fetch} fetch
 * @param {TransferOptions} options
 * @returns {Promise<Response>}
 */
async function transferByFetch({ url, ...request }, fetch, { onProgress, signal }) {
  const limit = deadline(signal, LONGEST_MS);
  /** @type {Response} */
  let answer;
  try {
    const sent = { ...request, signal: limit.signal, credentials: /** @type {const} */ ("omit") };
    const response = await fetch(url, sent);
    const body = await response.arrayBuffer();
    const { status, headers } = response;
    answer = new Response(body.byteLength > 0 ? body : null, { status, headers });
  } catch (error) {
    const failure = asApiError(error, limit.signal, signal);
    throw failure instanceof ApiError && failure.code === "network" ? unreachable(url, error) : failure;
  } finally {
    limit.release();
  }
  try {
    if (answer.ok) onProgress?.(1);
  } catch (error) {
    throw new CallbackError(error);
  }
  return answer;
}

/**
 * Makes the error of a failed connection. Browsers do not tell scripts a broken line from a refused origin.
 *
 * @param {string} url
 * @param {unknown} [cause]
 */
function unreachable(url, cause) {
  const page = globalThis.location?.origin;
  const admitted = page && page !== originOf(url) ? `, or it does not admit pages of ${page} (CORS)` : "";
  return new ApiError({ code: "network", title: `No connection to ${originOf(url)}${admitted}`, cause });
}

/** @param {string} url */
function originOf(url) {
  const base = globalThis.location?.href;
  return URL.canParse(url, base) ? new URL(url, base).origin : url;
}
