// A server on loopback that stands in for somebody else's: it says where it listens, and ends with its parent.

import { createServer } from "node:http";

/** Longest body that is read. */
const BODY_LIMIT = 64 * 1024;

/** What a request is answered with, when it is not a plain success. */
export class Refusal extends Error {
  /** @param {number} status @param {unknown} body @param {Record<string, string>} [headers] */
  constructor(status, body, headers = {}) {
    super(JSON.stringify(body));
    Object.assign(this, { status, body, headers });
  }
}

/**
 * @typedef {object} Call
 * @property {string} method
 * @property {string[]} path its segments
 * @property {URLSearchParams} query
 * @property {import("node:http").IncomingHttpHeaders} headers
 * @property {Buffer} body
 * @property {number} at when its last byte arrived, in milliseconds since 1970
 */

/**
 * Serves on a free port. `answer` gives `[status, body, headers?]`, or throws a `Refusal`.
 *
 * @param {(call: Call) => [number, unknown, Record<string, string>?]} answer
 * @returns {Promise<string>} the origin
 */
export async function serve(answer) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    let size = 0;
    for await (const chunk of request) {
      size += chunk.length;
      if (size <= BODY_LIMIT) chunks.push(chunk);
    }
    const url = new URL(request.url ?? "/", "http://x");
    const path = decodeURI(url.pathname).split("/").filter(Boolean);
    const at = performance.timeOrigin + performance.now();
    const call = {
      method: request.method ?? "",
      path,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks),
      at,
    };
    let [status, body, headers] = [500, /** @type {unknown} */ ({}), {}];
    try {
      [status, body, headers = {}] = answer(call);
    } catch (error) {
      if (error instanceof Refusal) ({ status, body, headers } = error);
      else body = { error: String(error?.stack ?? error) };
    }
    response.writeHead(status, { "content-type": "application/json; charset=UTF-8", ...headers });
    response.end(body === undefined ? "" : JSON.stringify(body));
  });
  // The parent holds the other end of stdin: it closes when the parent is gone, however it went.
  process.stdin.resume().on("end", () => process.exit());
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  const origin = `http://127.0.0.1:${port}`;
  console.log(origin);
  return origin;
}

/**
 * Splits a JWT and checks its signature, with Node's own cryptography.
 *
 * @param {string} token
 * @param {(header: any, input: Buffer, signature: Buffer) => boolean} isSigned
 */
export function readJwt(token, isSigned) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new Error("no JWT");
  const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
  if (!isSigned(header, Buffer.from(`${parts[0]}.${parts[1]}`), Buffer.from(parts[2], "base64url"))) {
    throw new Error("the signature does not fit");
  }
  return { header, claims };
}
