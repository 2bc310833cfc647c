// What each call of the client sends, without a server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./modules.mjs";

const { Api, followNotices, memoryTokenStore, Session } = await load("client/index.js");
const { ApiError } = await load("client/http.js");

/** An api whose requests are noted. */
function noting() {
  const sent = [];
  const store = memoryTokenStore();
  store.write({ userId: "u", accessToken: "t", refreshToken: "r", expiresAtMs: Date.now() + 3_600_000 });
  const fetch = async (url, { method, headers, body }) => {
    sent.push({ call: `${method} ${url}`, key: headers["idempotency-key"], body: body && JSON.parse(body), authorization: headers.authorization });
    return Response.json({ items: [], nextCursor: null });
  };
  return { api: new Api({ session: new Session({ store, fetch }), fetch }), sent };
}

/** @type {[name: string, call: (api: any) => Promise<unknown>, expected: string, body?: unknown, key?: string][]} */
const CALLS = [
  ["a profile", (api) => api.people.get("a/b"), "GET /v1/users/a%2Fb"],
  ["people", (api) => api.people.find("미나", { limit: 5 }), "GET /v1/users?nickname=%EB%AF%B8%EB%82%98&limit=5"],
  ["a follow", (api) => api.people.setFollow("a", true), "PUT /v1/users/a/follow"],
  ["no follow", (api) => api.people.setFollow("a", false), "DELETE /v1/users/a/follow"],
  ["a block", (api) => api.people.setBlock("a", true), "PUT /v1/users/a/block"],
  ["no mute", (api) => api.people.setMute("a", false), "DELETE /v1/users/a/mute"],
  ["the home feed", (api) => api.posts.list("home", { cursor: null }), "GET /v1/feed"],
  ["the ranking", (api) => api.posts.list("ranking", { cursor: "x y", limit: 10 }), "GET /v1/feed/ranking?limit=10&cursor=x+y"],
  ["a post", (api) => api.posts.create({ text: "봄", pictures: [] }, "k"), "POST /v1/posts", { text: "봄", pictures: [] }, "k"],
  ["a like", (api) => api.posts.setLike("p", true), "PUT /v1/posts/p/like"],
  ["an entry", (api) => api.posts.createEntry({ title: "a", text: "b", pictures: [] }, "k"), "POST /v1/diary", { title: "a", text: "b", pictures: [] }, "k"],
  ["a comment", (api) => api.comments.create("p", { text: "a" }, "k"), "POST /v1/posts/p/comments", { text: "a" }, "k"],
  ["notices", (api) => api.notices.list({ limit: 1 }), "GET /v1/notices?limit=1"],
  ["notices that were read", (api) => api.notices.markRead(["n"]), "POST /v1/notices/read", { ids: ["n"] }],
  ["all notices", (api) => api.notices.markRead(), "POST /v1/notices/read", {}],
  ["a room", (api) => api.chat.openDirect("a"), "POST /v1/rooms", { userId: "a" }],
  ["older messages", (api) => api.chat.listEntries("r", { before: 7, limit: 50 }), "GET /v1/rooms/r/messages?before=7&limit=50"],
  ["the first messages", (api) => api.chat.listEntries("r", { after: 0 }), "GET /v1/rooms/r/messages?after=0"],
  ["a message", (api) => api.chat.send("r", { text: "안녕", clientKey: "k" }), "POST /v1/rooms/r/messages", { text: "안녕", clientKey: "k" }],
  ["a mark", (api) => api.chat.markRead("r", 9), "PUT /v1/rooms/r/read", { seq: 9 }],
  ["recommendations", (api) => api.catalogue.listRecommended({ selection: { season: "SPRING" }, limit: 24 }), "GET /v1/recommendations?season=SPRING&limit=24"],
  ["a search", (api) => api.catalogue.search("ㅇㅂㅍ", { facets: true, selection: { priceTo: 50000 } }), "GET /v1/search?q=%E3%85%87%E3%85%82%E3%85%8D&facets=true&priceTo=50000"],
  ["suggestions", (api) => api.catalogue.suggest("소"), "GET /v1/search/suggestions?q=%EC%86%8C"],
  ["products like another", (api) => api.catalogue.listSimilar(7), "GET /v1/products/7/similar"],
];

for (const [name, call, expected, body, key] of CALLS) {
  test(`the call for ${name} is sent as the server reads it`, async () => {
    const { api, sent } = noting();
    await call(api);
    assert.deepEqual(sent, [{ call: expected, key, body, authorization: "Bearer t" }]);
  });
}

/** An api whose streams follow a script: lists of chunks, after which a stream ends; or an error. @param {unknown[]} streams */
function streaming(streams) {
  return {
    async openAllEvents() {
      const next = streams.shift() ?? new ApiError({ code: "network" });
      if (next instanceof ApiError) throw next;
      const controller = new AbortController();
      const body = new ReadableStream({
        start(stream) {
          for (const chunk of next) stream.enqueue(new TextEncoder().encode(chunk));
          stream.close();
        },
      });
      const response = new Response(body, { headers: { "content-type": "text/event-stream" } });
      return { response, limit: { signal: controller.signal, abort: (reason) => controller.abort(reason), release() {} } };
    },
  };
}

/** Follows with no pauses until `wanted` things were told. @param {unknown[]} streams @param {number} wanted */
async function follow(streams, wanted) {
  const told = [];
  const stop = new AbortController();
  const wake = new EventTarget();
  const waker = setInterval(() => wake.dispatchEvent(new Event("wake")), 1);
  const tell = (what) => (told.push(what), told.length >= wanted && stop.abort());
  const options = { signal: stop.signal, wake, onNotice: ({ id }) => tell(id), onResume: () => tell("resumed") };
  await followNotices(streaming(streams), options).finally(() => clearInterval(waker));
  return told;
}

const notice = (id) => `event: notice\nid: 1\ndata: ${JSON.stringify({ id, type: "post.liked" })}\n\n`;

test("notices are told as they come, and what else is on the stream is left alone", async () => {
  const told = await follow([[": hello\n\n", notice("a"), "event: analysis\ndata: {}\n\n", "event: notice\ndata: nonsense\n\n", notice("b")]], 2);
  assert.deepEqual(told, ["a", "b"]);
});

test("a line that broke is taken up again, and says that something may have been missed", async () => {
  const told = await follow([[notice("a")], new ApiError({ code: "network" }), [notice("b")]], 3);
  assert.deepEqual(told, ["a", "resumed", "b"]);
});

test("where streams do not get through, the list is read now and then", async () => {
  const told = await follow([new ApiError({ code: "network" }), new ApiError({ code: "network" })], 1);
  assert.deepEqual(told, ["resumed"]);
});

test("an end that trying again does not help reaches the caller", async () => {
  await assert.rejects(follow([new ApiError({ code: "forbidden", status: 403 })], 1), { code: "forbidden" });
});
