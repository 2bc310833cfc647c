// The client in Node.js against the running services: a photo in, its season out, whatever breaks in between.
//
//   TONEUP_URL=http://127.0.0.1:8080 PHOTOS_DIR=… node --test client.test.mjs

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  Api,
  followAnalyses,
  isFinished,
  memoryTokenStore,
  Session,
  submitPhoto,
  ToneUp,
  watchAnalysis,
} from "../../../clients/js/src/index.js";

const PHOTOS = process.env.PHOTOS_DIR ?? fileURLToPath(new URL("../../../.local/photos/", import.meta.url));
const photo = (/** @type {string} */ name) => new Blob([readFileSync(join(PHOTOS, name))]);
const SEASONS = ["SPRING", "SUMMER", "AUTUMN", "WINTER"];
const TEST = { timeout: 120_000 };
const baseUrl = /** @type {string} */ (process.env.TONEUP_URL?.replace(/\/$/, ""));
assert.ok(baseUrl, "TONEUP_URL is not set: start the services and pass the address of the api");

test("a photo becomes a season, and every state on the way is told once, in order", TEST, async () => {
  const toneup = new ToneUp({ baseUrl });
  const told = [];
  let sent = 0;
  const ended = await toneup.analyze(photo("face.jpg"), {
    onAnalysis: (analysis) => told.push(analysis),
    onProgress: (fraction) => (sent = fraction),
  });
  assert.equal(sent, 1);
  assert.ok(SEASONS.includes(ended.result?.personalColor ?? ""), JSON.stringify(ended));
  assert.deepEqual(told.at(-1), ended);
  const versions = told.map((analysis) => analysis.version ?? 0);
  assert.deepEqual(versions, [...versions].sort((a, b) => a - b));
});

test("a photo that cannot be analysed ends with its code, and what is no photo is not sent", TEST, async () => {
  const toneup = new ToneUp({ baseUrl });
  const ended = await toneup.analyze(photo("no-face.jpg"));
  assert.equal(ended.error?.code, "NO_FACE");
  await assert.rejects(toneup.submit(new Blob(["a letter"])), { code: "NOT_AN_IMAGE" });
});

test("an access token that ran out is renewed once", TEST, async () => {
  const store = memoryTokenStore();
  const toneup = new ToneUp({ baseUrl, store });
  await toneup.api.listAnalyses();
  const kept = store.read();
  assert.ok(kept);
  store.write({ ...kept, accessToken: "no.longer.good" });
  await toneup.api.listAnalyses();
  assert.equal(store.read()?.userId, kept.userId, "the same user goes on");
  assert.notEqual(store.read()?.refreshToken, kept.refreshToken);
});

/** A fetch whose event streams break after their first piece, so many times. @param {number} times */
function breaking(times) {
  const broken = { left: times, asked: /** @type {(string | null)[]} */ ([]) };
  /** @type {typeof fetch} */
  const fetching = async (input, init) => {
    const response = await fetch(input, init);
    if (!String(input).includes("/events")) return response;
    broken.asked.push(new Headers(init?.headers).get("last-event-id"));
    if (broken.left <= 0 || !response.body) return response;
    broken.left -= 1;
    const reader = response.body.getReader();
    const body = new ReadableStream({
      async pull(stream) {
        const { value } = await reader.read();
        if (value) stream.enqueue(value);
        stream.error(new TypeError("the line broke"));
        await reader.cancel().catch(() => {});
      },
    });
    return new Response(body, { status: response.status, headers: response.headers });
  };
  return { fetching, broken };
}

test("a watch goes on where the line broke", TEST, async () => {
  const { fetching, broken } = breaking(1);
  const session = new Session({ store: memoryTokenStore(), baseUrl });
  const api = new Api({ session, baseUrl, fetch: fetching });
  const { id } = await submitAs(api);
  const ended = await watchAnalysis(api, id, { onAnalysis: () => {} });
  assert.ok(isFinished(ended));
  assert.equal(broken.left, 0, "it broke");
});

/** @param {Api} api */
function submitAs(api) {
  return submitPhoto(api, photo("face.jpg"), { contentType: "image/jpeg" });
}

test("following tells every end, over broken lines, each with a place to go on from", TEST, async () => {
  const { fetching, broken } = breaking(3);
  const session = new Session({ store: memoryTokenStore(), baseUrl });
  const api = new Api({ session, baseUrl, fetch: fetching });
  const stop = new AbortController();
  const ended = new Set();
  /** @type {() => unknown} */
  let told = () => {};
  const positions = /** @type {string[]} */ ([]);
  const wanted = 4;
  await api.listAnalyses();
  const following = followAnalyses(api, {
    signal: stop.signal,
    lastEventId: "0",
    onAnalysis: (analysis) => {
      if (isFinished(analysis)) ended.add(analysis.id);
      told();
    },
    onPosition: (position) => positions.push(position),
  });
  const submitted = new Set();
  for (let count = 0; count < wanted; count += 1) {
    const { id } = await submitAs(api);
    submitted.add(id);
    // One after the other: each is news on a stream of its own, as long as lines break.
    await new Promise((resolve) => {
      told = () => ended.has(id) && resolve(undefined);
      told();
    });
  }
  stop.abort(new Error("seen enough"));
  await following;
  assert.deepEqual(ended, submitted);
  assert.equal(broken.left, 0, "it broke as often as it was to");
  const numbers = positions.map(Number);
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b));
  assert.equal(broken.asked[0], "0");
});
