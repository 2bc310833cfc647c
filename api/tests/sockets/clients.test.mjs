// Conversations by real clients: socket.io-client 4.x and 2.x, at two replicas and at the second listener.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { alias, all, ask, closeAll, connect, connect2, direct, first, follow, got, guest, second } from "./support.mjs";

afterEach(closeAll);

test("an ack says that a message is stored, and both replicas deliver it in order", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const a = (await follow(first, alice)).socket;
  const b = (await follow(second, bob)).socket;
  const acks = await Promise.all(
    [1, 2, 3, 4, 5].map((n) => ask(a, "chat", { room: room.id, text: `${n}`, clientKey: `k${n}` })),
  );
  assert.deepEqual(acks.map((ack) => ack.seq), [1, 2, 3, 4, 5]);
  assert.ok(acks.every((ack) => ack.id && ack.sentAt.endsWith("Z") && ack.messageId === ack.seq));
  for (const socket of [a, b]) {
    await got(socket, "chat", (message) => message.seq === 5);
    assert.deepEqual(all(socket, "chat").map((message) => message.text), ["1", "2", "3", "4", "5"]);
  }
  const message = all(b, "chat")[0];
  assert.deepEqual(
    [message.roomId, message.content, message.senderId, message.type, message.unreadCount, message.clientKey],
    [`${room.number}`, "1", alice.number, "TEXT", 1, "k1"],
  );
  const again = await ask(a, "chat", { room: room.id, text: "1", clientKey: "k1" });
  assert.deepEqual([again.id, again.seq], [acks[0].id, 1]);
  const other = await ask(a, "chat", { room: room.id, text: "x", clientKey: "k1" });
  assert.equal(other.code, "client_key_reused");
  assert.equal(all(b, "chat").length, 5);
});

test("what a client asks for right away is answered, however many come at once", async () => {
  const people = await Promise.all(Array.from({ length: 8 }, guest));
  const sockets = people.flatMap((person) => [1, 2, 3, 4].map(() => connect(first, { auth: { token: person.token } })));
  // Kept by the client until it is connected, and sent with the first frame.
  const answers = await Promise.all(sockets.map((socket) => ask(socket, "sync", { rooms: {} })));
  assert.ok(answers.every((answer) => answer.rooms && !answer.code), JSON.stringify(answers));
});

test("a sync of a client that follows its rooms already loses and repeats nothing", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const a = (await follow(first, alice)).socket;
  const b = (await follow(second, bob)).socket;
  for (let n = 1; n <= 12; n += 1) {
    const sending = ask(a, "chat", { room: room.id, text: `${n}` });
    await Promise.all([sending, ask(b, "sync", { rooms: {} })]);
  }
  await got(b, "chat", (message) => message.seq === 12);
  assert.deepEqual(all(b, "chat").map((message) => message.seq), Array.from({ length: 12 }, (_, n) => n + 1));
});

test("what was missed comes once, in order, and then what comes", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const a = (await follow(first, alice)).socket;
  const b = (await follow(second, bob)).socket;
  await ask(a, "chat", { room: room.id, text: "1" });
  await got(b, "chat", (message) => message.seq === 1);
  b.close();
  await ask(a, "chat", { room: room.id, text: "2" });
  await alice.as("PATCH", `${room.path}/messages/1`, { text: "one" });
  await ask(a, "chat", { room: room.id, text: "3" });
  const { socket, synced } = await follow(second, bob, { [room.id]: 1 });
  const missed = synced.rooms[room.id];
  assert.deepEqual(missed.entries.map((entry) => [entry.seq, entry.kind, entry.text]), [
    [2, "text", "2"],
    [3, "edited", "one"],
    [4, "text", "3"],
  ]);
  assert.deepEqual([missed.lastSeq, missed.more, synced.gone], [4, false, []]);
  await ask(a, "chat", { room: room.id, text: "4" });
  await got(socket, "chat", (message) => message.seq === 5);
  assert.equal(all(socket, "chat").length, 1);
});

test("a client of 2.x with a room in its query talks as it always did", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  await alice.as("POST", `${room.path}/messages`, { text: "before" });
  const query = (who) => ({ userId: who.number, roomId: room.number, token: who.token });
  const a = connect2(alias, { query: query(alice), transports: ["polling", "websocket"] });
  const history = await got(a, "history");
  assert.deepEqual(history.messages.map((message) => message.content), ["before"]);
  const b = connect2(second, { query: query(bob) });
  assert.deepEqual((await got(a, "joinRoom", (one) => one.opponentId === `${bob.number}`)).roomId, `${room.number}`);
  // Whatever it says about itself.
  b.emit("chat", { roomId: `${room.number}`, content: "안녕", senderId: alice.number, type: "TEXT" });
  for (const socket of [a, b]) {
    const message = await got(socket, "chat", (one) => one.content === "안녕");
    assert.deepEqual([message.senderId, message.messageId, message.type], [bob.number, 2, "TEXT"]);
  }
  // Whoever shows the room has read it, which the others are told.
  assert.equal((await got(b, "read", (one) => one.userId === alice.number && one.seq === 2)).roomId, `${room.number}`);
  assert.equal((await alice.as("GET", room.path)).body.unread, 0);
  b.emit("chat", { roomId: "999999", content: "x", type: "TEXT" });
  assert.equal((await got(b, "error")).code, "not_found");
  await bob.as("POST", `${room.path}/leave`);
  assert.match(await got(a, "leaveRoom"), /나갔습니다/);
});

test("who is writing, has received, has read and is there is told to the others", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const a = (await follow(first, alice)).socket;
  const b = (await follow(second, bob)).socket;
  await got(a, "presence", (one) => one.user === bob.id && one.online);
  assert.deepEqual((await ask(a, "presence", { room: room.id })).online.sort(), [alice.id, bob.id].sort());
  await ask(b, "typing", { room: room.id });
  assert.deepEqual((await got(a, "typing")).typing, true);
  await ask(a, "chat", { room: room.id, text: "hello" });
  await ask(b, "delivered", { room: room.id, seq: 1 });
  assert.equal((await got(a, "delivered")).userId, bob.number);
  const read = await ask(b, "read", { room: room.id });
  assert.deepEqual([read.readSeq, read.unread], [1, 0]);
  assert.equal((await got(a, "read", (one) => one.userId === bob.number)).seq, 1);
  b.close();
  await got(a, "presence", (one) => one.user === bob.id && !one.online);
});

test("a room that is joined while connected is followed, and one that is left is not", async () => {
  const [alice, bob, carol] = [await guest(), await guest(), await guest()];
  const c = (await follow(second, carol)).socket;
  const group = (await alice.as("POST", "/v1/rooms", { name: "봄", memberIds: [bob.id] })).body;
  const path = `/v1/rooms/${group.id}`;
  await alice.as("POST", `${path}/messages`, { text: "before" });
  await alice.as("PUT", `${path}/members/${carol.id}`);
  assert.equal((await got(c, "entry")).kind, "joined");
  await alice.as("POST", `${path}/messages`, { text: "after" });
  await got(c, "chat", (message) => message.text === "after");
  await alice.as("DELETE", `${path}/members/${carol.id}`);
  await got(c, "entry", (entry) => entry.kind === "removed");
  await alice.as("POST", `${path}/messages`, { text: "secret" });
  assert.equal((await ask(c, "chat", { room: group.id, text: "x" })).code, "not_found");
  assert.deepEqual(all(c, "chat").map((message) => message.text), ["after"]);
});

test("nobody connects without a token or a ticket, and a ticket is good once", async () => {
  const alice = await guest();
  const refused = async (socket) => (await got(socket, "connect_error")).toString();
  assert.equal(await refused(connect(first, { auth: { userId: alice.number } })), "unauthenticated");
  assert.equal(await refused(connect(first, { query: { userId: alice.number } })), "unauthenticated");
  assert.equal(await refused(connect(first, { auth: { token: `${alice.token}x` } })), "unauthenticated");
  await refused(connect2(first, { query: { userId: alice.number, roomId: 1 } }));
  await got(connect(first, { extraHeaders: { authorization: `Bearer ${alice.token}` } }), "connect");
  await got(connect2(first, { query: { token: alice.token } }), "connect");
  const { ticket } = (await alice.as("POST", "/v1/stream-tickets")).body;
  await got(connect(second, { query: { ticket } }), "connect");
  assert.equal(await refused(connect(second, { query: { ticket } })), "unauthenticated");
});

test("a session that is ended is cut off with the reason", async () => {
  const alice = await guest();
  const { socket } = await follow(second, alice);
  await alice.as("DELETE", "/v1/sessions");
  assert.equal((await got(socket, "error")).code, "unauthenticated");
  assert.equal(await got(socket, "disconnect"), "io server disconnect");
});
