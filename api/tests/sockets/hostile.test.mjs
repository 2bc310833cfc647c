// Hostile clients: refused, bounded, and told nothing.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import WebSocket from "ws";
import { all, ask, closeAll, connect, direct, first, follow, got, guest, soon } from "./support.mjs";

afterEach(closeAll);

/** A raw connection, as the Swift client opens it. */
async function raw(query) {
  const url = `${first.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket&${query}`;
  const socket = new WebSocket(url);
  socket.frames = [];
  socket.on("message", (data) => socket.frames.push(data.toString()));
  socket.on("error", () => {});
  socket.closed = new Promise((resolve) => socket.on("close", (code) => resolve(code)));
  socket.frame = async (wanted) => {
    const find = () => socket.frames.find((frame) => frame.startsWith(wanted));
    const waiting = (async () => {
      while (!find()) await new Promise((resolve) => setTimeout(resolve, 10));
      return find();
    })();
    return soon(waiting, `${wanted} among ${socket.frames}`);
  };
  await soon(new Promise((resolve) => socket.on("open", resolve)), "an open socket");
  return socket;
}

test("the Swift client joins with an explicit namespace and a comma", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const socket = await raw(`userId=${alice.number}&roomId=${room.number}&token=${alice.token}`);
  await socket.frame("0{");
  socket.send("40/,");
  assert.match(await socket.frame("40"), /^40(\/,)?\{"sid":/);
  await socket.frame('42["history"');
  socket.send(`42["chat",${JSON.stringify({ roomId: `${room.number}`, content: "hi", senderId: 1, type: "TEXT" })}]`);
  assert.match(await socket.frame('42["chat"'), new RegExp(`"senderId":${alice.number}`));
  socket.close();
});

test("rooms of others are answered as if they were not there", async () => {
  const [alice, bob, eve] = [await guest(), await guest(), await guest()];
  const room = await direct(alice, bob);
  await alice.as("POST", `${room.path}/messages`, { text: "secret" });
  const { socket, synced } = await follow(first, eve, { [room.id]: 0 });
  assert.deepEqual([synced.rooms, synced.gone], [{}, [room.id]]);
  for (const name of [room.id, `${room.number}`, room.number, "00000000-0000-7000-8000-000000000000", 999999]) {
    for (const event of ["chat", "joinRoom", "read", "typing", "presence", "delivered"]) {
      const answer = await ask(socket, event, { room: name, text: "x", seq: 1, senderId: alice.number });
      assert.equal(answer.code, "not_found", `${event} ${name}`);
    }
  }
  const query = { token: eve.token, roomId: room.number, userId: alice.number };
  const other = connect(first, { query });
  assert.equal((await got(other, "error")).code, "not_found");
  await alice.as("POST", `${room.path}/messages`, { text: "more" });
  const own = (await alice.as("GET", `${room.path}/messages`)).body.items;
  assert.deepEqual(own.map((entry) => entry.text), ["secret", "more"]);
  for (const one of [socket, other]) {
    assert.ok(!JSON.stringify(one.seen).includes("secret") && all(one, "chat").length === 0);
  }
});

test("what cannot be read is refused by its ack, and the connection lives", async () => {
  const alice = await guest();
  const { socket } = await follow(first, alice);
  for (const [event, data, code] of [
    ["chat", null, "validation_failed"],
    ["chat", { room: {}, text: "x" }, "validation_failed"],
    ["chat", { room: 1, text: 5 }, "malformed"],
    ["chat", [], "validation_failed"],
    ["nonsense", {}, "malformed"],
    ["renew", { token: "x" }, "unauthenticated"],
    ["sync", { rooms: { x: 1 } }, "malformed"],
  ]) {
    assert.equal((await ask(socket, event, data)).code, code, event);
  }
  assert.deepEqual(Object.keys(await ask(socket, "sync", {})), ["rooms", "gone"]);
});

test("a frame of a megabyte ends the connection", async () => {
  const alice = await guest();
  const socket = await raw(`token=${alice.token}`);
  await socket.frame("0{");
  socket.send("40");
  await socket.frame("40{");
  socket.send(`42["chat",${JSON.stringify({ room: 1, text: "x".repeat(1_000_000) })}]`);
  await soon(socket.closed, "the end");
});

test("ten thousand joins are refused without a look, and end the connection", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const socket = await raw(`token=${alice.token}`);
  await socket.frame("0{");
  socket.send("40");
  await socket.frame("40{");
  for (let n = 0; n < 10_000; n += 1) socket.send(`42${n}["joinRoom",{"room":${room.number}}]`);
  assert.match(await socket.frame('42["error",{"code":"rate_limited"'), /too many/);
  const refusals = socket.frames.filter((frame) => frame.startsWith("43") && frame.includes("rate_limited"));
  assert.ok(refusals.length <= 300, `${refusals.length}`);
  socket.close();
  assert.equal((await bob.as("GET", room.path)).status, 200);
});

test("one person holds ten connections", async () => {
  const alice = await guest();
  const sockets = Array.from({ length: 10 }, () => connect(first, { auth: { token: alice.token } }));
  for (const socket of sockets) await got(socket, "connect");
  const more = connect(first, { auth: { token: alice.token } });
  assert.equal((await got(more, "error")).code, "too_many_sockets");
  await got(more, "disconnect");
  sockets[0].close();
  await got(sockets[0], "disconnect");
  for (let tries = 0; ; tries += 1) {
    const again = connect(first, { auth: { token: alice.token } });
    await got(again, "connect");
    await new Promise((resolve) => setTimeout(resolve, 100));
    if (!all(again, "error").length) break;
    assert.ok(tries < 20);
  }
});

test("twenty messages in ten seconds are taken", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const { socket } = await follow(first, alice);
  const acks = await Promise.all(
    Array.from({ length: 40 }, (_, n) => ask(socket, "chat", { room: room.id, text: `${n}` })),
  );
  const stored = acks.filter((ack) => ack.seq).length;
  assert.ok(stored >= 20 && stored < 30, `${stored}`);
  assert.ok(acks.filter((ack) => !ack.seq).every((ack) => ack.code === "rate_limited"));
});

test("a client that does not read is cut off with the reason, and takes up again", async () => {
  const alice = await guest();
  const others = await Promise.all(Array.from({ length: 6 }, guest));
  const members = { name: "x", memberIds: others.map((other) => other.id) };
  const group = (await alice.as("POST", "/v1/rooms", members)).body;
  const sockets = await Promise.all(others.map(async (other) => (await follow(first, other)).socket));
  const base = `${first}/socket.io/?EIO=4&transport=polling&token=${alice.token}&roomId=${group.number}`;
  const { sid } = JSON.parse((await (await fetch(base)).text()).slice(1));
  const at = `${base}&sid=${sid}`;
  await fetch(at, { method: "POST", body: "40" });
  await got(sockets[0], "joinRoom", (one) => one.opponentId === `${alice.number}`);
  // Nobody polls meanwhile.
  for (const socket of sockets) {
    await Promise.all(Array.from({ length: 50 }, () => ask(socket, "typing", { room: group.id })));
  }
  let told = "";
  for (let polls = 0; polls < 10 && !told.includes("slow_reader"); polls += 1) {
    const answer = await fetch(at);
    told += await answer.text();
    if (!answer.ok) break;
  }
  assert.match(told, /slow_reader/);
  assert.ok(told.split('42["typing"').length <= 260, "no more was kept than the buffer holds");
  assert.equal((await ask(sockets[0], "chat", { room: group.id, text: "1" })).seq, 1);
  const { synced } = await follow(first, alice, { [group.id]: 0 });
  assert.deepEqual(synced.rooms[group.id].entries.map((entry) => entry.text), ["1"]);
});
