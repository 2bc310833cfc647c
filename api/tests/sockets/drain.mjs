// A replica that drains while its clients talk: they are told, go to another, and nothing is lost.

import assert from "node:assert/strict";
import { all, ask, closeAll, direct, first, follow, got, guest, second } from "./support.mjs";

const [alice, bob] = [await guest(), await guest()];
const room = await direct(alice, bob);
const a = (await follow(first, alice)).socket;
const b = (await follow(first, bob)).socket;
assert.equal((await ask(a, "chat", { room: room.id, text: "1" })).seq, 1);
await got(b, "chat");
// Whoever runs this drains the first replica now.
console.log("READY");
await got(b, "draining");
// Clients connect again by themselves after this reason.
assert.match(await got(b, "disconnect"), /transport/);
const again = (await follow(second, alice, { [room.id]: 1 })).socket;
// Sent before the end without an answer, and now once more.
assert.equal((await ask(again, "chat", { room: room.id, text: "2", clientKey: "k" })).seq, 2);
assert.equal((await ask(again, "chat", { room: room.id, text: "2", clientKey: "k" })).seq, 2);
const { synced } = await follow(second, bob, { [room.id]: 1 });
assert.deepEqual(synced.rooms[room.id].entries.map((entry) => entry.text), ["2"]);
assert.equal(all(b, "chat").length, 1);
closeAll();
console.log("DONE");
process.exit(0);
