// Tokens that expire while their clients are connected: four seconds here.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ask, closeAll, connect, connect2, first, got, guest } from "./support.mjs";

after(closeAll);

test("a client is asked for another token, and cut off without one", async () => {
  const alice = await guest();
  const lazy = connect(first, { auth: { token: alice.token } });
  const old = connect2(first, { query: { token: alice.token } });
  const diligent = connect(first, { auth: { token: alice.token } });
  await got(lazy, "renew");
  const { expiresAt } = await got(diligent, "renew");
  assert.ok(Date.parse(expiresAt) > Date.now() - 1000);
  // Another second: a token of the same second is the same.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const { refreshToken } = alice.session;
  const session = (await alice.as("POST", "/v1/sessions/refresh", { refreshToken })).body;
  assert.ok((await ask(diligent, "renew", { token: session.accessToken })).expiresAt > expiresAt);
  assert.equal((await ask(diligent, "renew", { token: (await guest()).token })).code, "unauthenticated");
  for (const socket of [lazy, old]) {
    assert.equal((await got(socket, "error")).code, "token_expired");
    await got(socket, "disconnect");
  }
  assert.ok(diligent.connected);
});
