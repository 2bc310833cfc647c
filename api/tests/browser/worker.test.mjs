// The service worker without a browser: what it shows, in which language, and where a press leads.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";

const SOURCE = readFileSync(fileURLToPath(new URL("../../src/features/web/static/service-worker.js", import.meta.url)), "utf8");

/** A worker's surroundings in miniature. @param {{ languages?: string[], pages?: any[] }} [options] */
function start({ languages = ["en-GB"], pages = [] } = {}) {
  const listeners = new Map();
  const shown = [];
  const opened = [];
  const subscribed = [];
  const self = {
    navigator: { languages },
    addEventListener: (type, listener) => listeners.set(type, listener),
    skipWaiting: async () => {},
    clients: { matchAll: async () => pages, openWindow: async (url) => opened.push(url) },
    registration: {
      showNotification: async (title, options) => shown.push({ title, ...options }),
      pushManager: { subscribe: async (options) => subscribed.push(options) },
    },
  };
  runInContext(SOURCE, createContext({ self }));
  const dispatch = async (type, event) => {
    const waits = [];
    listeners.get(type)({ ...event, waitUntil: (wait) => waits.push(wait) });
    await Promise.all(waits);
  };
  const push = (text) => dispatch("push", { data: text === undefined ? null : { json: () => JSON.parse(text) } });
  return { dispatch, push, shown, opened, subscribed };
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

/** @param {ReturnType<typeof start>} worker */
async function press(worker) {
  let closed = false;
  await worker.dispatch("notificationclick", { notification: { close: () => (closed = true), data: { analysisId: "a1" } } });
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
