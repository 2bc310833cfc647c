// Following all analyses without a browser or a server: no end is lost, wherever the line is cut.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeToneUp } from "./doubles/toneup.mjs";
import { load } from "./modules.mjs";

const { Api, followAnalyses, isFinished, memoryTokenStore, Session } = await load("client/index.js");
const { ApiError } = await load("client/http.js");

const TEST = { timeout: 60_000 };

/** Waits until `condition` holds. @param {() => unknown} condition */
async function until(condition) {
  for (const giveUp = Date.now() + 5000; !condition(); ) {
    assert.ok(Date.now() < giveUp, `never: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/**
 * Follows with no pauses: every wait is woken at once.
 *
 * @param {FakeToneUp} server
 * @param {object} [options]
 */
function follow(server, options = {}) {
  const session = new Session({ store: memoryTokenStore(), fetch: server.fetch });
  const stop = new AbortController();
  const wake = new EventTarget();
  const waker = setInterval(() => wake.dispatchEvent(new Event("wake")), 1);
  /** @type {string[]} */
  const ended = [];
  const done = followAnalyses(new Api({ session, fetch: server.fetch }), {
    signal: stop.signal,
    wake,
    onAnalysis: (analysis) => void (isFinished(analysis) && ended.push(analysis.id)),
    ...options,
  }).finally(() => clearInterval(waker));
  const end = async () => {
    stop.abort(new Error("seen enough"));
    await done;
  };
  return { ended, done, end, stop };
}

/**
 * One analysis ends on a stream that is cut at a byte, others in the gap, the last on the next stream.
 *
 * @param {{ cut: number, namesPosition: boolean, nextCut?: number, before?: number }} how
 */
async function cutOnce({ cut, namesPosition, nextCut = Infinity, before = 1 }) {
  const server = new FakeToneUp();
  server.namesPosition = namesPosition;
  for (let old = 0; old < before; old += 1) {
    const id = `0-old-${String(old).padStart(3, "0")}`;
    server.submit(id);
    server.finish(id);
  }
  server.submit("1-waiting");
  server.submit("2-waiting");
  server.faults = [{ cut }, { cut: nextCut }];
  let breaks = 0;
  server.onBreak = () => {
    breaks += 1;
    if (breaks === 1) server.finish("2-waiting");
    server.submit(`${2 + breaks}-in-the-gap`);
    server.finish(`${2 + breaks}-in-the-gap`);
  };
  const { ended, end } = follow(server);
  await until(() => server.sent.length > 0);
  server.finish("1-waiting");
  server.breakStreams();
  const text = server.sent[0];
  if (nextCut < Infinity) {
    await until(() => server.sent.length > 1);
    server.breakStreams();
  }
  await until(() => server.sent.length > breaks && server.openStreams > 0);
  server.submit("9-last");
  server.finish("9-last");
  const wanted = ["1-waiting", "2-waiting", "3-in-the-gap", ...(breaks > 1 ? ["4-in-the-gap"] : []), "9-last"];
  try {
    await until(() => wanted.every((id) => ended.includes(id)));
  } catch {
    assert.deepEqual([...new Set(ended)].sort(), wanted, `cut at ${cut} and ${nextCut}: ${JSON.stringify(server.asked)}`);
  }
  await end();
  assert.deepEqual(ended.filter((id) => id.includes("old")), [], `cut at ${cut}: what had ended before is not news`);
  return text;
}

for (const namesPosition of [true, false]) {
  const kind = namesPosition ? "names its position" : "names no position";
  test(`a stream that ${kind} loses no end, cut at any byte`, TEST, async () => {
    const { length } = await cutOnce({ cut: Infinity, namesPosition });
    for (let cut = -1; cut <= length; cut += 1) await cutOnce({ cut, namesPosition });
  });

  test(`a stream that ${kind} loses no end when the next one is cut as well`, TEST, async () => {
    for (const cut of [-1, 0, 3, 7, 150]) {
      for (let nextCut = 0; nextCut < 160; nextCut += 13) await cutOnce({ cut, nextCut, namesPosition });
    }
  });
}

test("a long history before it is no news, and hides nothing that ends", TEST, async () => {
  await cutOnce({ cut: 0, namesPosition: false, before: 250 });
});

test("an analysis far down the history is not lost either", TEST, async () => {
  const server = new FakeToneUp();
  server.submit("00-oldest");
  for (let at = 100; at < 350; at += 1) {
    server.submit(`${at}`);
    server.finish(`${at}`);
  }
  server.faults = [{ cut: 0 }];
  server.onBreak = () => server.finish("00-oldest");
  const { ended, end } = follow(server);
  await until(() => ended.length > 0);
  await end();
  assert.deepEqual(ended, ["00-oldest"]);
});

test("a position without an event is what the next stream goes on from", TEST, async () => {
  const server = new FakeToneUp();
  server.submit("1");
  server.finish("1");
  const positions = [];
  const { end } = follow(server, { onPosition: (position) => positions.push(position) });
  await until(() => server.openStreams > 0 && positions.length > 0);
  server.breakStreams();
  await until(() => server.sent.length > 1);
  await end();
  assert.deepEqual(positions, ["1"]);
  assert.deepEqual(server.asked.filter((request) => request.includes("/v1/events")), ["GET /v1/events", "GET /v1/events 1"]);
});

for (const proxy of ["silent", "held"]) {
  test(`long polls take over where a proxy keeps streams back (${proxy})`, TEST, async () => {
    const server = new FakeToneUp();
    server.faults = Array.from({ length: 1000 }, () => ({ proxy }));
    server.submit("1-waiting");
    const connections = [];
    const { ended, end } = follow(server, { silenceMs: 30, onConnection: (connection) => connections.push(connection) });
    await until(() => connections.includes("polling"));
    server.finish("1-waiting");
    server.submit("2-later");
    server.finish("2-later");
    await until(() => ended.length === 2);
    server.faults = [];
    await until(() => connections.at(-1) === "live");
    server.submit("3-live");
    server.finish("3-live");
    await until(() => ended.length > 2);
    await end();
    assert.deepEqual(ended, ["1-waiting", "2-later", "3-live"], "each once: what a poll has told is not told again");
  });
}

test("with a position from before, polls tell what ended after it", TEST, async () => {
  const server = new FakeToneUp();
  server.submit("1");
  server.finish("1");
  server.faults = Array.from({ length: 1000 }, () => ({ proxy: "silent" }));
  const { ended, end } = follow(server, { silenceMs: 30, lastEventId: "0" });
  await until(() => ended.includes("1"));
  await end();
});

for (const callback of ["onAnalysis", "onPosition", "onConnection"]) {
  for (const thrown of [new TypeError("the caller's own"), new ApiError({ code: "network" })]) {
    test(`what ${callback} throws (${thrown.name}) reaches the caller, once`, TEST, async () => {
      const server = new FakeToneUp();
      let calls = 0;
      const { done } = follow(server, {
        [callback]: () => {
          calls += 1;
          throw thrown;
        },
      });
      done.catch(() => {});
      await until(() => server.sent.length > 0);
      if (calls === 0) {
        server.submit("1");
        server.finish("1");
      }
      await assert.rejects(done, (error) => error === thrown);
      assert.equal(calls, 1);
      assert.equal(server.openStreams, 0, "the stream is closed");
    });
  }
}

test("a callback that takes its time is waited for, and what it rejects with reaches the caller", TEST, async () => {
  const server = new FakeToneUp();
  const order = [];
  const { done } = follow(server, {
    silenceMs: 20,
    lastEventId: "0",
    onAnalysis: async ({ id, status }) => {
      if (status !== "succeeded") return;
      await new Promise((resolve) => setTimeout(resolve, 60));
      order.push(id);
      if (id === "2") throw new Error("the caller's own");
    },
    onPosition: (position) => order.push(`position ${position}`),
  });
  done.catch(() => {});
  await until(() => server.sent.length > 0);
  for (const id of ["1", "2"]) {
    server.submit(id);
    server.finish(id);
  }
  await assert.rejects(done, { message: "the caller's own" });
  assert.deepEqual(order, ["1", "position 1", "2"]);
  assert.equal(server.sent.length, 1, "the line was not taken for a quiet one meanwhile");
});

test("an event that cannot be read is looked up, and not asked for again for ever", TEST, async () => {
  const server = new FakeToneUp();
  let mangle = true;
  const { fetch } = server;
  server.fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (!String(input).endsWith("/v1/events") || !mangle) return response;
    mangle = false;
    const mangled = new TransformStream({
      transform: (bytes, out) => out.enqueue(new TextEncoder().encode(new TextDecoder().decode(bytes).replace('"succeeded"', "<html>"))),
    });
    return new Response(response.body?.pipeThrough(mangled), { headers: response.headers });
  };
  const positions = [];
  const { ended, end } = follow(server, { onPosition: (position) => positions.push(position) });
  await until(() => positions.length > 0);
  server.submit("1");
  server.finish("1");
  await until(() => ended.includes("1") && positions.includes("1"));
  await end();
});
