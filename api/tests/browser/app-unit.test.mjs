// The logic of the product's page, without a browser: addresses, hearts, crops, the log of a room.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { load } from "./modules.mjs";

const { HOME, match } = await load("assets/app/router.js");
const { Toggle } = await load("assets/app/toggle.js");
const { cutOf, LONGEST_EDGE, moved, sentSize, WHOLE } = await load("assets/app/crop-geometry.js");
const { RoomLog, standsWith } = await load("assets/app/room-log.js");

test("an address leads to its view, and no other does", () => {
  assert.deepEqual(match("#/feed"), { view: "feed", tab: "feed", params: { feed: "home" }, path: "/feed" });
  assert.equal(match("#/post/a%20b")?.params.id, "a b");
  assert.deepEqual(match("#/compose?diary&edit=7")?.params, { diary: "", edit: "7" });
  assert.equal(match("#/people/a/followers")?.params.list, "followers");
  for (const hash of ["", "#", "#/", "#/nothing", "#/post/", "#/post/a/b", "#0190-an-analysis", "#/post/%E0%A4%A"]) {
    const found = match(hash);
    assert.ok(found === null || found.view === "post", hash);
  }
  assert.ok(match(HOME));
});

/** A toggle whose answers the test gives. @param {{ on: boolean, count: number }} state */
function toggleOf(state) {
  const sent = [];
  const shown = [];
  const failures = [];
  const send = (wanted) => new Promise((resolve, reject) => sent.push({ wanted, resolve, reject }));
  const toggle = new Toggle({ state, send, onChange: ({ on, count }) => shown.push(`${on} ${count}`), onFail: (error) => failures.push(error.message) });
  return { toggle, sent, shown, failures };
}

test("a heart is red at once, and then as the server says", async () => {
  const { toggle, sent, shown } = toggleOf({ on: false, count: 3 });
  const pressing = toggle.press();
  assert.deepEqual(shown, ["true 4"]);
  sent[0].resolve({ on: true, count: 9 });
  await pressing;
  assert.deepEqual(shown, ["true 4", "true 9"]);
  assert.equal(sent.length, 1);
});

test("a heart that could not be given is taken back, and said so", async () => {
  const { toggle, sent, shown, failures } = toggleOf({ on: false, count: 3 });
  const pressing = toggle.press();
  sent[0].reject(new Error("no line"));
  await pressing;
  assert.deepEqual(shown.at(-1), "false 3");
  assert.deepEqual(failures, ["no line"]);
});

test("pressed again while it is sent, the last wish counts, one request at a time", async () => {
  const { toggle, sent } = toggleOf({ on: false, count: 0 });
  const pressing = toggle.press();
  await toggle.press();
  assert.deepEqual(sent.map(({ wanted }) => wanted), [true]);
  assert.equal(toggle.state.on, false);
  sent[0].resolve({ on: true, count: 1 });
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(sent.map(({ wanted }) => wanted), [true, false]);
  sent[1].resolve(null);
  await pressing;
  assert.deepEqual(toggle.state, { on: false, count: 0 });
});

test("a crop lies within its picture, in its shape, however it is moved and zoomed", () => {
  const shapes = { free: null, square: 1, portrait: 0.8 };
  for (const size of [{ width: 4000, height: 3000 }, { width: 300, height: 900 }, { width: 1, height: 1 }]) {
    for (const [shape, ratio] of Object.entries(shapes)) {
      for (const zoom of [0.1, 1, 2.5, 99]) {
        const crop = moved(size, { shape, zoom, x: 0.5, y: 0.5 }, 1e6, -1e6);
        const cut = cutOf(size, crop);
        assert.ok(cut.x >= 0 && cut.y >= 0 && cut.x + cut.width <= size.width + 1e-9 && cut.y + cut.height <= size.height + 1e-9, JSON.stringify({ size, crop, cut }));
        assert.ok(Math.abs(cut.width / cut.height - (ratio ?? size.width / size.height)) < 1e-9);
        const sent = sentSize(cut);
        assert.ok(sent.width >= 1 && sent.height >= 1 && Math.max(sent.width, sent.height) <= LONGEST_EDGE);
      }
    }
  }
  assert.deepEqual(cutOf({ width: 4, height: 3 }, WHOLE), { x: 0, y: 0, width: 4, height: 3 });
});

const entry = (seq, more = {}) => ({ seq, id: `e${seq}`, kind: "text", sender: "a", clientKey: null, text: `t${seq}`, pictures: [], subject: null, target: null, unread: 1, sentAt: `2026-11-30T10:00:${String(seq).padStart(2, "0")}Z`, editedAt: null, isDeleted: false, ...more });

test("a room's log is the same whichever way its entries came", () => {
  const entries = [1, 2, 3, 4].map((seq) => entry(seq)).concat(entry(5, { kind: "edited", target: 2, text: "better" }), entry(6, { kind: "deleted", target: 3, text: null }));
  const shown = (order) => {
    const log = new RoomLog();
    for (const at of order) log.add(entries[at]);
    return log.entries.map(({ seq, text }) => `${seq} ${text}`);
  };
  assert.deepEqual(shown([0, 1, 2, 3, 4, 5]), ["1 t1", "2 better", "3 null", "4 t4"]);
  assert.deepEqual(shown([0, 1, 2, 3, 3, 0, 4, 5, 5]), shown([0, 1, 2, 3, 4, 5]));
  assert.deepEqual(shown([3, 2, 1, 0, 4, 5]), shown([0, 1, 2, 3, 4, 5]));
  assert.deepEqual(shown([4, 5, 3, 2, 1, 0]), shown([0, 1, 2, 3, 4, 5]), "what came before its message");
});

test("what is missing is seen by the numbers", () => {
  const log = new RoomLog();
  for (const seq of [4, 5, 8]) log.add(entry(seq));
  assert.equal(log.gap, 5);
  for (const seq of [6, 7]) log.add(entry(seq));
  assert.equal(log.gap, null);
  assert.deepEqual([log.oldest, log.newest], [4, 8]);
});

test("a message of one's own takes the place of the one on its way", () => {
  const log = new RoomLog();
  log.pending.push({ clientKey: "k", text: "hi", pictures: [], state: "sending" });
  log.add(entry(1, { clientKey: "k" }));
  assert.deepEqual(log.pending, []);
});

test("who has not read a message is counted by the marks of all, its sender aside", () => {
  const log = new RoomLog();
  log.countsReads = true;
  for (const user of ["a", "b", "c"]) log.read(user, 0);
  const message = entry(3);
  log.add(message);
  assert.equal(log.unreadOf(message), 2);
  assert.equal(log.read("b", 3), true);
  assert.equal(log.read("b", 2), false, "a mark never goes back");
  assert.equal(log.unreadOf(message), 1);
  log.gone("c");
  assert.equal(log.unreadOf(message), 0);
});

test("messages of one person within some minutes stand together", () => {
  assert.equal(standsWith(entry(1), entry(2)), true);
  assert.equal(standsWith(entry(1), entry(2, { sender: "b" })), false);
  assert.equal(standsWith(entry(1), entry(2, { sentAt: "2026-11-30T10:09:00Z" })), false);
  assert.equal(standsWith(undefined, entry(1)), false);
});

const file = (path) => readFileSync(fileURLToPath(new URL(path, import.meta.url)));

test("the Socket.IO client that is served is the locked package's own", () => {
  const served = file("../../src/features/web/static/vendor/socket.io.esm.min.js");
  assert.ok(served.equals(file("node_modules/socket.io-client/dist/socket.io.esm.min.js")));
});

test("the Fluent that is served is the locked package's own", () => {
  const served = readdirSync(fileURLToPath(new URL("../../src/features/web/static/vendor/fluent/", import.meta.url)));
  assert.ok(served.includes("bundle.js"));
  for (const name of served) {
    assert.ok(file(`../../src/features/web/static/vendor/fluent/${name}`).equals(file(`node_modules/@fluent/bundle/esm/${name}`)), name);
  }
});
