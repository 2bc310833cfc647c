// Watching one analysis to its end, without a browser or a server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeToneUp } from "./doubles/toneup.mjs";
import { load } from "./modules.mjs";

const { ApiError } = await load("client/http.js");
const { Api, memoryTokenStore, Session, watchAnalysis } = await load("client/index.js");

const state = (status, version, more = {}) => ({ id: "a", status, version, createdAt: "2026-01-01T00:00:00Z", ...more });
const frame = (analysis) => `event: analysis\ndata: ${JSON.stringify(analysis)}\n\n`;

/**
 * An api whose streams and polls follow a script; each entry is a problem, `silence`, or a list of chunks, after which the
 * stream ends, or goes quiet where the last one is `quiet`.
 *
 * @param {{ streams: unknown[], polls?: unknown[] }} script
 */
function scripted({ streams, polls = [] }) {
  const asked = [];
  return {
    asked,
    async openEvents(_id, { lastEventId }) {
      asked.push(`stream ${lastEventId}`.trim());
      const next = streams.shift() ?? new ApiError({ code: "network" });
      if (next instanceof ApiError) throw next;
      const controller = new AbortController();
      const body = new ReadableStream({
        start(stream) {
          controller.signal.addEventListener("abort", () => stream.error(controller.signal.reason));
          if (next === "silence") return;
          for (const chunk of next) if (chunk !== "quiet") stream.enqueue(new TextEncoder().encode(chunk));
          if (next.at(-1) !== "quiet") stream.close();
        },
      });
      const response = new Response(body, { headers: { "content-type": "text/event-stream" } });
      const limit = { signal: controller.signal, abort: (reason) => controller.abort(reason), release() {} };
      return { response, limit };
    },
    async getAnalysis(_id, { wait }) {
      asked.push(`poll ${wait}`);
      const next = polls.shift() ?? new ApiError({ code: "network" });
      if (next instanceof ApiError) throw next;
      return next;
    },
  };
}

/** Watches with no pauses: every wait is woken at once. */
async function watch(script, options = {}) {
  const api = scripted(script);
  const seen = [];
  const wake = new EventTarget();
  const waker = setInterval(() => wake.dispatchEvent(new Event("wake")), 1);
  try {
    const last = await watchAnalysis(api, "a", {
      wake,
      onAnalysis: ({ status, version }) => seen.push(`${status} ${version}`),
      ...options,
    });
    return { api, seen, last };
  } finally {
    clearInterval(waker);
  }
}

test("a stream is followed to the finished analysis", async () => {
  const { api, seen, last } = await watch({
    streams: [[frame(state("queued", 1)), frame(state("running", 2)), ": heartbeat\n\n", `id: 9\n${frame(state("succeeded", 3))}`]],
  });
  assert.deepEqual(seen, ["queued 1", "running 2", "succeeded 3"]);
  assert.deepEqual(api.asked, ["stream"]);
  assert.equal(last.status, "succeeded");
});

test("a drained stream is opened again with the last event id, and older news is not told", async () => {
  const { api, seen } = await watch({
    streams: [
      [`id: 4\n${frame(state("running", 2))}`, "retry: 5\n\n"],
      [frame(state("queued", 1)), frame(state("succeeded", 3))],
    ],
  });
  assert.deepEqual(api.asked, ["stream", "stream 4"]);
  assert.deepEqual(seen, ["running 2", "succeeded 3"]);
});

test("long polling takes over when streams do not get through", async () => {
  const { api, seen } = await watch({
    streams: [new ApiError({ code: "network" }), [": proxies may swallow events\n\n"]],
    polls: [state("queued", 1), state("succeeded", 2)],
  });
  assert.deepEqual(api.asked, ["stream", "stream", "poll 20", "poll 20"]);
  assert.deepEqual(seen, ["queued 1", "succeeded 2"]);
});

test("the stream is tried again after a round of polls", async () => {
  const failing = () => new ApiError({ code: "unavailable", status: 503, retryAfterSeconds: 0 });
  const { api } = await watch({
    streams: [failing(), failing(), [frame(state("succeeded", 5))]],
    polls: [failing(), failing(), failing()],
  });
  assert.deepEqual(api.asked, ["stream", "stream", "poll 20", "poll 20", "poll 20", "stream"]);
});

test("a line that goes quiet is given up and opened again", async () => {
  const streams = [[": heartbeat\n\n", "quiet"], [frame(state("failed", 2))]];
  const { api } = await watch({ streams }, { silenceMs: 20 });
  assert.deepEqual(api.asked, ["stream", "stream"]);
});

test("a stream that says nothing at all gives way to long polls at once", async () => {
  const { api } = await watch({ streams: ["silence"], polls: [state("succeeded", 2)] }, { silenceMs: 20 });
  assert.deepEqual(api.asked, ["stream", "poll 20"]);
});

test("an id in another spelling than the server's is watched to its end", async () => {
  const { last } = await watch({ streams: [[frame(state("succeeded", 3, { id: "A" }))]] });
  assert.equal(last.status, "succeeded");
});

for (const callback of ["onAnalysis", "onConnection"]) {
  for (const thrown of [new TypeError("the caller's own"), new ApiError({ code: "network" })]) {
    test(`what ${callback} throws (${thrown.name}) reaches the caller, once, from a stream and from a poll`, async () => {
      for (const script of [
        { streams: [[frame(state("queued", 1)), frame(state("succeeded", 2))]] },
        { streams: ["silence"], polls: [state("succeeded", 2)] },
      ]) {
        let calls = 0;
        const failing = () => {
          calls += 1;
          throw thrown;
        };
        await assert.rejects(watch(script, { silenceMs: 20, [callback]: failing }), (error) => error === thrown);
        assert.equal(calls, 1);
      }
    });
  }
}

test("a watch comes to its end wherever its stream is cut", { timeout: 60_000 }, async () => {
  const cutAt = async (cut) => {
    const server = new FakeToneUp();
    server.submit("a");
    server.faults = [{ cut }];
    server.onBreak = () => server.finish("a");
    const session = new Session({ store: memoryTokenStore(), fetch: server.fetch });
    const wake = new EventTarget();
    const waker = setInterval(() => wake.dispatchEvent(new Event("wake")), 1);
    const watching = watchAnalysis(new Api({ session, fetch: server.fetch }), "a", { wake, onAnalysis: () => {} });
    while (server.sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    if (server.openStreams > 0) server.breakStreams();
    const last = await watching.finally(() => clearInterval(waker));
    assert.equal(last.status, "succeeded", `cut at ${cut}`);
    return server.sent[0].length;
  };
  const length = await cutAt(Infinity);
  for (let cut = -1; cut <= length; cut += 1) await cutAt(cut);
});

test("an analysis that is not there ends the watch", async () => {
  await assert.rejects(watch({ streams: [new ApiError({ code: "not_found", status: 404 })] }), { code: "not_found" });
});

test("the caller can end the watch at any time", async () => {
  const stop = new AbortController();
  const watching = watch({ streams: [] }, { signal: stop.signal });
  setTimeout(() => stop.abort(new Error("gone")), 20);
  await assert.rejects(watching, { message: "gone" });
});
