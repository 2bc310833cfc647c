// A photo on its way to the server, without a browser or a server.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, load } from "./modules.mjs";

const { ApiError } = await load("client/http.js");
const { memoryTokenStore, ToneUp } = await load("client/index.js");
const { ACCEPTED, HEAD_BYTES, LARGEST_PHOTO_BYTES, sniffImageType } = await load("client/formats.js");
const { checkPhoto } = await load("client/upload.js");

const FORMATS = JSON.parse(readFileSync(new URL("../../../analyzer/app/vision/formats.json", import.meta.url), "utf8"));

const bytes = (...parts) => new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part)));

test("a photo's type is told from its bytes, as every program of the project does", () => {
  assert.ok(FORMATS.samples.length > 40);
  for (const { head, mediaType } of FORMATS.samples) {
    const file = Buffer.from(head, "hex");
    assert.equal(sniffImageType(file), mediaType, head);
    // A file that says nothing yet but "ftyp" says something else with more bytes.
    if (!head.endsWith("66747970")) assert.equal(sniffImageType(Buffer.concat([file, Buffer.alloc(5000)])), mediaType, `${head} and more`);
  }
});

test("a photo is checked by the type that its bytes show", async () => {
  for (const { head, mediaType } of FORMATS.samples) {
    const file = new File([Buffer.from(head, "hex")], "me.jpg", { type: "image/jpeg" });
    if (ACCEPTED.includes(mediaType)) assert.equal(await checkPhoto(file), mediaType);
    else await assert.rejects(checkPhoto(file), { code: mediaType === null ? "NOT_AN_IMAGE" : "UNSUPPORTED_FORMAT" }, head);
  }
});

test("the client and the page keep to the project's list of formats", () => {
  const { photos, headBytes, maxBytes } = FORMATS;
  assert.deepEqual(ACCEPTED, photos.map(({ mediaType }) => mediaType));
  assert.deepEqual([HEAD_BYTES, LARGEST_PHOTO_BYTES], [headBytes, maxBytes]);
  const page = readFileSync(join(folder, "assets/index.html"), "utf8");
  const accept = photos.flatMap(({ mediaType, alsoSentAs, extensions }) => [mediaType, ...alsoSentAs, ...extensions.map((name) => `.${name}`)]);
  assert.equal(/id="photo-input" accept="([^"]*)"/.exec(page)?.[1], accept.join(","));
});

test("what is no photo is refused before anything is sent, whatever it is called", async () => {
  await assert.rejects(checkPhoto(new File(["text"], "me.jpg", { type: "image/jpeg" })), { code: "NOT_AN_IMAGE" });
  await assert.rejects(checkPhoto(new File([bytes("GIF89a")], "me.jpg")), { code: "UNSUPPORTED_FORMAT" });
  const huge = new Blob([bytes([0xff, 0xd8, 0xff]), new Uint8Array(10 * 1024 * 1024)]);
  await assert.rejects(checkPhoto(huge), { code: "IMAGE_TOO_LARGE" });
  assert.equal(await checkPhoto(new File([bytes([0xff, 0xd8, 0xff])], "me.txt")), "image/jpeg");
});

// --- submitting ---------------------------------------------------------------------------------------

const PHOTO = new Blob([bytes([0xff, 0xd8, 0xff, 0xe0], "a face")]);
const SHA256 = createHash("sha256").update(new Uint8Array(await PHOTO.arrayBuffer())).digest("base64");
const STORE = "http://photos.test";

/**
 * A client whose server and photo store answer as told.
 *
 * @param {Record<string, (request: Request, call: number) => Response | Promise<Response>>} answers by `METHOD path`; those
 *   that are not there answer as they should
 */
function connect(answers = {}, options = {}) {
  /** @type {Record<string, Request[]>} */
  const asked = {};
  const usual = {
    "POST /v1/sessions/guest": () =>
      Response.json({ userId: "u", accessToken: "t", refreshToken: "r", expiresIn: 900 }, { status: 201 }),
    "POST /v1/uploads": (_request, call) =>
      Response.json({ objectKey: `key-${call}`, method: "PUT", url: `${STORE}/put?secret`, headers: { "content-type": "image/jpeg" } }),
    "PUT /put": () => new Response(null),
    "POST /v1/analyses": () => Response.json({ id: "a", status: "queued", version: 1, createdAt: "2026-01-01T00:00:00Z" }, { status: 202 }),
  };
  const fetch = async (input, init) => {
    const request = new Request(input, init);
    const name = `${request.method} ${new URL(request.url).pathname}`;
    (asked[name] ??= []).push(request.clone());
    return { ...usual, ...answers }[name](request, asked[name].length);
  };
  const toneup = new ToneUp({ baseUrl: "http://api.test", store: memoryTokenStore(), fetch, ...options });
  return { toneup, asked };
}

const unreachable = () => Promise.reject(new TypeError("Failed to fetch"));
const problem = (status, code, headers = {}) =>
  Response.json({ code, title: code, status }, { status, headers: { "content-type": "application/problem+json", ...headers } });

test("a photo goes to the store by the caller's fetch, and is submitted with a key of its own", async () => {
  const { toneup, asked } = connect();
  const told = [];
  await toneup.submit(PHOTO, { onProgress: (fraction) => told.push(fraction) });
  assert.deepEqual(await asked["POST /v1/uploads"][0].json(), { contentType: "image/jpeg", contentLength: 10, sha256: SHA256 });
  assert.equal(asked["PUT /put"][0].headers.get("authorization"), null);
  const [submit] = asked["POST /v1/analyses"];
  assert.deepEqual(await submit.json(), { objectKey: "key-1" });
  assert.match(submit.headers.get("idempotency-key"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(told, [1]);
});

test("several photos of one person are one analysis, with one progress", async () => {
  const { toneup, asked } = connect();
  const told = [];
  await toneup.submit([PHOTO, PHOTO], { onProgress: (fraction) => told.push(fraction) });
  assert.deepEqual(await asked["POST /v1/analyses"][0].json(), { objectKeys: ["key-1", "key-2"] });
  assert.equal(asked["POST /v1/analyses"].length, 1);
  assert.deepEqual(told, [0.5, 1]);
});

test("where the store cannot be reached, several photos go in one form", async () => {
  const { toneup, asked } = connect({ "PUT /put": unreachable });
  await toneup.submit([PHOTO, PHOTO]);
  assert.equal((await asked["POST /v1/analyses"][0].formData()).getAll("image").length, 2);
});

test("a refused upload gets a fresh address", async () => {
  const { toneup, asked } = connect({ "PUT /put": (_request, call) => new Response(null, { status: call === 1 ? 403 : 200 }) });
  await toneup.submit(PHOTO);
  assert.equal(asked["POST /v1/uploads"].length, 2);
  assert.deepEqual(await asked["POST /v1/analyses"][0].json(), { objectKey: "key-2" });
});

test("an upload that is refused for good says by whom", async () => {
  const { toneup, asked } = connect({ "PUT /put": () => new Response(null, { status: 400 }) });
  await assert.rejects(toneup.submit(PHOTO), { code: "upload_refused", status: 400, message: /http:\/\/photos\.test/ });
  assert.equal(asked["PUT /put"].length, 1);
});

test("where the store cannot be reached, the photo goes through the API in a form", async () => {
  const { toneup, asked } = connect({ "PUT /put": unreachable });
  const told = [];
  const deadline = new Date("2026-12-01T10:00:00Z");
  const { id } = await toneup.submit(PHOTO, { deadline, onProgress: (fraction) => told.push(fraction) });
  assert.equal(id, "a");
  assert.equal(asked["PUT /put"].length, 1, "what a page may not reach, it is not made to try again");
  const [submit] = asked["POST /v1/analyses"];
  assert.equal(submit.headers.get("authorization"), "Bearer t");
  assert.match(submit.headers.get("idempotency-key"), /^[0-9a-f-]{36}$/);
  const form = await submit.formData();
  assert.deepEqual(Buffer.from(await form.get("image").arrayBuffer()), Buffer.from(await PHOTO.arrayBuffer()));
  assert.equal(form.get("deadline"), "2026-12-01T10:00:00.000Z");
  assert.deepEqual(told, [1]);
});

test("a busy API is sent the form again, with the same key", async () => {
  const { toneup, asked } = connect({
    "PUT /put": unreachable,
    "POST /v1/analyses": (_request, call) =>
      call === 1 ? problem(503, "unavailable", { "retry-after": "0" }) : Response.json({ id: "a", status: "queued" }, { status: 202 }),
  });
  const waits = [];
  await toneup.submit(PHOTO, { onWait: ({ error }) => waits.push(error.code) });
  assert.deepEqual(waits, ["unavailable"]);
  const keys = asked["POST /v1/analyses"].map((request) => request.headers.get("idempotency-key"));
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

test("a photo that goes neither way says what failed on each", async () => {
  const answers = { "PUT /put": unreachable, "POST /v1/analyses": () => problem(422, "deadline_unreachable") };
  await assert.rejects(connect(answers).toneup.submit(PHOTO), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.code, "deadline_unreachable");
    assert.match(error.message, /photos\.test.*form.*deadline_unreachable/);
    return true;
  });
});

test("a key of the caller's own names the same request each time: the form", async () => {
  const { toneup, asked } = connect();
  for (let run = 0; run < 2; run += 1) await toneup.submit(PHOTO, { idempotencyKey: "order-17" });
  assert.equal(asked["POST /v1/uploads"], undefined);
  for (const request of asked["POST /v1/analyses"]) {
    assert.equal(request.headers.get("idempotency-key"), "order-17");
    assert.ok((await request.formData()).get("image"));
  }
});

test("a deadline goes along with the place of the upload", async () => {
  const { toneup, asked } = connect();
  await toneup.submit(PHOTO, { deadline: "2026-12-01T10:00:00Z" });
  assert.deepEqual(await asked["POST /v1/analyses"][0].json(), { objectKey: "key-1", deadline: "2026-12-01T10:00:00Z" });
});

test("an analysis can be withdrawn", async () => {
  const { toneup, asked } = connect({ "POST /v1/analyses/a/cancel": () => Response.json({ id: "a", status: "cancelled" }) });
  assert.equal((await toneup.cancel("a")).status, "cancelled");
  assert.equal(asked["POST /v1/analyses/a/cancel"].length, 1);
});

test("the signal ends a submit at any step", async () => {
  const steps = ["POST /v1/sessions/guest", "POST /v1/uploads", "PUT /put", "POST /v1/analyses"];
  for (const step of steps) {
    const stop = new AbortController();
    const ended = new EventTarget();
    const hang = (request) =>
      new Promise((_, fail) => {
        request.signal.addEventListener("abort", () => fail(request.signal.reason));
        ended.addEventListener("end", () => fail(new Error("the test is over")));
      });
    const { toneup, asked } = connect({ [step]: hang });
    const submitting = toneup.submit(PHOTO, { signal: stop.signal });
    submitting.catch(() => {});
    while (!asked[step]) await new Promise((resolve) => setTimeout(resolve, 1));
    stop.abort(new Error("gone"));
    await assert.rejects(submitting, { message: "gone" }, step);
    ended.dispatchEvent(new Event("end")); // a session that others may wait for is not given up
  }
});

for (const thrown of [new TypeError("the caller's own"), new ApiError({ code: "network" })]) {
  test(`what onProgress throws (${thrown.name}) reaches the caller, once, whichever way the photo goes`, async () => {
    for (const put of [() => new Response(null), unreachable]) {
      const { toneup } = connect({ "PUT /put": put });
      let calls = 0;
      const onProgress = () => {
        calls += 1;
        throw thrown;
      };
      await assert.rejects(toneup.submit(PHOTO, { onProgress }), (error) => error === thrown);
      assert.equal(calls, 1);
    }
  });
}

// --- addresses ----------------------------------------------------------------------------------------

test("a slash at the end of the address does not matter, nor does an URL", async () => {
  for (const baseUrl of ["http://api.test/", "http://api.test//", new URL("http://api.test"), " http://api.test "]) {
    const { toneup, asked } = connect({}, { baseUrl });
    await toneup.submit(PHOTO);
    assert.deepEqual(Object.keys(asked), ["POST /v1/sessions/guest", "POST /v1/uploads", "PUT /put", "POST /v1/analyses"]);
  }
  const { toneup, asked } = connect({ "GET /under/v1/analyses": () => Response.json({ items: [], nextCursor: null }), "POST /under/v1/sessions/guest": () => Response.json({ userId: "u", accessToken: "t", refreshToken: "r", expiresIn: 900 }) }, { baseUrl: "http://api.test/under/" });
  await toneup.api.listAnalyses();
  assert.equal(asked["GET /under/v1/analyses"].length, 1);
});

test("what is no address is refused at once, not taken for a broken line", () => {
  for (const baseUrl of ["localhost:8080", "ftp://api.test", "//api.test", "http://", "http://api.test/?a=b", "http://api.test/#a"]) {
    assert.throws(() => connect({}, { baseUrl }), TypeError, baseUrl);
  }
  assert.throws(() => new ToneUp(), /baseUrl/, "there is no page here whose own address it could be");
});
