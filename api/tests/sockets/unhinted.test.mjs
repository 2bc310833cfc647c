// Without Redis: what is in the database reaches everybody all the same, by the clock.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { all, ask, closeAll, direct, first, follow, got, guest, second } from "./support.mjs";

after(closeAll);

test("messages, marks and memberships of another replica come by the clock", async () => {
  const [alice, bob] = [await guest(), await guest()];
  const room = await direct(alice, bob);
  const a = (await follow(first, alice)).socket;
  const b = (await follow(second, bob)).socket;
  for (const text of ["1", "2", "3"]) await ask(a, "chat", { room: room.id, text });
  await got(b, "chat", (message) => message.seq === 3);
  assert.deepEqual(all(b, "chat").map((message) => message.text), ["1", "2", "3"]);
  await ask(b, "read", { room: room.id });
  assert.equal((await got(a, "read", (one) => one.user === bob.id && one.seq === 3)).userId, bob.number);
  const group = (await alice.as("POST", "/v1/rooms", { name: "봄", memberIds: [bob.id] })).body;
  await ask(a, "chat", { room: group.id, text: "new" });
  await got(b, "chat", (message) => message.room === group.id && message.text === "new");
});
