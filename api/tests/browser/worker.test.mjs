// The service worker without a browser: what it shows, in which language, and where a press leads.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";

const SOURCE = readFileSync(fileURLToPath(new URL("../../src/features/web/static/service-worker.js", import.meta.url)), "utf8");

const ORIGIN = "https://toneup.example";

/** A worker's surroundings in miniature. @param {{ languages?: string[], pages?: any[], network?: () => Promise<Response> }} [options] */
function start({ languages = ["en-GB"], pages = [], network = async () => new Response("new") } = {}) {
  const listeners = new Map();
  const shown = [];
  const opened = [];
  const subscribed = [];
  const kept = new Map([["shell-old", new Map()]]);
  const caches = {
    open: async (name) => ({ addAll: async (files) => kept.set(name, new Map(files.map((file) => [ORIGIN + file, new Response(`kept ${file}`)]))) }),
    keys: async () => [...kept.keys()],
    delete: async (name) => kept.delete(name),
    match: async ({ url }, { cacheName }) => kept.get(cacheName)?.get(url),
  };
  const self = {
    SHELL: { version: "v7", files: ["/app", "/assets/style.css"] },
    location: new URL(ORIGIN),
    navigator: { languages },
    addEventListener: (type, listener) => listeners.set(type, listener),
    skipWaiting: async () => {},
    clients: { matchAll: async () => pages, openWindow: async (url) => opened.push(url) },
    registration: {
      showNotification: async (title, options) => shown.push({ title, ...options }),
      pushManager: { subscribe: async (options) => subscribed.push(options) },
    },
  };
  runInContext(SOURCE, createContext({ self, caches, fetch: network, URL, setTimeout, clearTimeout }));
  const dispatch = async (type, event) => {
    const waits = [];
    listeners.get(type)({ ...event, waitUntil: (wait) => waits.push(wait) });
    await Promise.all(waits);
  };
  const push = (text) => dispatch("push", { data: text === undefined ? null : { json: () => JSON.parse(text) } });
  const ask = async (path, method = "GET") => {
    const answers = [];
    const url = new URL(path, ORIGIN).href;
    await dispatch("fetch", { request: { url, method }, respondWith: (answer) => answers.push(answer) });
    return answers.length === 0 ? "not ours" : (await answers[0]).text();
  };
  return { dispatch, push, ask, kept, shown, opened, subscribed };
}

/** @param {object} fields */
function message(fields) {
  // The server fills messages up to one length.
  return `${JSON.stringify({ id: "n1", type: "analysis.succeeded", analysisId: "a1", ...fields })}      `;
}

test("a result is shown as its season, in the first language that is known", async () => {
  for (const [languages, title] of [
    [["en-GB", "ko"], "Your season is Autumn"],
    [["ko-KR", "en"], "당신의 계절은 가을이에요"],
    [["de", "ko"], "당신의 계절은 가을이에요"],
    [["de"], "Your season is Autumn"],
    [[], "Your season is Autumn"],
  ]) {
    const { push, shown } = start({ languages });
    await push(message({ season: "AUTUMN" }));
    assert.equal(shown.length, 1);
    assert.equal(shown[0].title, title);
    assert.equal(shown[0].tag, "n1", "a repeat replaces the first");
    assert.equal(shown[0].data.analysisId, "a1");
  }
});

test("what ended without a result says so", async () => {
  const { push, shown } = start();
  await push(message({ status: "failed" }));
  assert.equal(shown[0].title, "Your photo could not be read");
});

test("a push that cannot be read is still shown: browsers want it so", async () => {
  for (const text of [undefined, "", "no JSON", "null", '{"season":"MONSOON"}']) {
    const { push, shown } = start();
    await push(text);
    assert.equal(shown.length, 1, String(text));
    assert.equal(shown[0].title, "There is news from ToneUp");
  }
});

test("it makes no sound while the page is looked at", async () => {
  for (const [visibilityState, silent] of [["visible", true], ["hidden", false]]) {
    const { push, shown } = start({ pages: [{ visibilityState }] });
    await push(message({ season: "SPRING" }));
    assert.equal(shown[0].silent, silent);
  }
});

/** @param {ReturnType<typeof start>} worker @param {object} [data] */
async function press(worker, data = { analysisId: "a1" }) {
  let closed = false;
  await worker.dispatch("notificationclick", { notification: { close: () => (closed = true), data } });
  assert.ok(closed);
}

test("a press opens the page at the analysis where none is open", async () => {
  const worker = start();
  await press(worker);
  assert.deepEqual(worker.opened, ["/#a1"]);
});

test("a press brings the page that is open to the front, at the analysis", async () => {
  const told = [];
  const page = (name, visibilityState, focus) => ({
    url: `${ORIGIN}/`,
    visibilityState,
    postMessage: (said) => told.push([name, { ...said }]),
    focus: async () => focus(name),
  });
  const refuse = async () => Promise.reject(new Error("not now"));
  const worker = start({ pages: [page("hidden", "hidden", assert.fail), page("seen", "visible", refuse)] });
  await press(worker);
  assert.deepEqual(told, [["seen", { type: "open", analysisId: "a1" }]]);
  assert.deepEqual(worker.opened, []);
});

test("an address that the browser withdrew is replaced, with the same key", async () => {
  const worker = start();
  const options = { applicationServerKey: "key" };
  await worker.dispatch("pushsubscriptionchange", { oldSubscription: { options } });
  await worker.dispatch("pushsubscriptionchange", { oldSubscription: { options }, newSubscription: {} });
  assert.deepEqual(worker.subscribed, [options]);
});

/** @param {object} fields */
function notice(fields) {
  return JSON.stringify({ id: "d1", noticeId: "n1", subjectId: "s1", actor: "Mina", others: "0", times: "1", ...fields });
}

test("what others do is told in words, and one notice is one notification", async () => {
  for (const [fields, english, korean] of [
    [{ type: "post.liked" }, "Mina likes your post", "Mina님이 내 게시물을 좋아해요"],
    [{ type: "post.liked", others: "12" }, "Mina and 12 others like your post", "Mina님 외 12명이 내 게시물을 좋아해요"],
    [{ type: "person.followed", others: "1" }, "Mina and 1 other follow you", "Mina님 외 1명이 나를 팔로우해요"],
    [{ type: "comment.replied" }, "Mina replied to your comment", "Mina님이 내 댓글에 답글을 남겼어요"],
    [{ type: "chat.message" }, "Mina sent you a message", "Mina님이 메시지를 보냈어요"],
    [{ type: "chat.message", times: "3" }, "Mina: 3 new messages", "Mina님: 새 메시지 3개"],
    [{ type: "sun.shone" }, "There is news from ToneUp", "ToneUp에 새로운 소식이 있어요"],
  ]) {
    for (const [language, title] of [["en", english], ["ko", korean]]) {
      const { push, shown } = start({ languages: [language] });
      await push(notice(fields));
      assert.deepEqual([shown[0].title, shown[0].tag], [title, "n1"]);
    }
  }
});

test("a press opens what the notice is about", async () => {
  for (const [type, place] of [
    ["post.commented", "/app#/post/s1"],
    ["comment.liked", "/app#/comment/s1"],
    ["chat.message", "/app#/room/s1"],
    ["person.followed", "/app#/notices"],
  ]) {
    const worker = start();
    await worker.push(notice({ type }));
    await press(worker, worker.shown[0].data);
    assert.deepEqual(worker.opened, [place]);
  }
});

test("a page of the other kind is left as it is", async () => {
  const told = [];
  const page = (path) => ({ url: `${ORIGIN}${path}`, visibilityState: "visible", postMessage: (said) => told.push([path, { ...said }]), focus: async () => {} });
  await press(start({ pages: [page("/"), page("/app")] }), { place: "/app#/room/r" });
  await press(start({ pages: [page("/app"), page("/")] }));
  assert.deepEqual(told, [["/app", { type: "go", place: "/app#/room/r" }], ["/", { type: "open", analysisId: "a1" }]]);
});

test("the files of the release are kept, those of others dropped, and nothing of the API", async () => {
  const worker = start({ network: async () => Promise.reject(new TypeError("no network")) });
  await worker.dispatch("install", {});
  await worker.dispatch("activate", {});
  assert.deepEqual([...worker.kept.keys()], ["shell-v7"]);
  assert.equal(await worker.ask("/app"), "kept /app");
  assert.equal(await worker.ask("/v1/feed"), "not ours");
  assert.equal(await worker.ask("/app", "POST"), "not ours");
  assert.equal(await worker.ask("https://elsewhere.example/app"), "not ours");
});

test("with a network, what the network says counts", async () => {
  const worker = start();
  await worker.dispatch("install", {});
  assert.equal(await worker.ask("/app"), "new");
});
