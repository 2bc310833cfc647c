// The page's logic without a browser or a server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load, wordsOf } from "./modules.mjs";

const { EventParser } = await load("client/sse.js");
const { ApiError, parseRetryAfter, withPatience } = await load("client/http.js");
const { Session } = await load("client/session.js");
const { Api } = await load("client/api.js");
const { adviceFor, adviceForAnalysis } = await load("assets/advice.js");
const readings = await load("assets/readings.js");
const { SEASONS, seasonName, subtypeName } = await load("assets/seasons.js");
const { colourName } = await load("assets/colours.js");
const [english, korean] = [await wordsOf("en"), await wordsOf("ko")];

// --- server-sent events ------------------------------------------------------------------------------

/** @param {string[]} chunks */
function parse(...chunks) {
  const parser = new EventParser();
  const pushed = chunks.flatMap((chunk) => parser.push(chunk));
  return { events: pushed.map(({ type, data }) => ({ type, data })), ids: pushed.map((event) => event.lastEventId), parser };
}

test("an event ends at the blank line", () => {
  const { events } = parse("event: analysis\ndata: {}\n");
  assert.deepEqual(events, []);
  assert.deepEqual(parse("event: analysis\ndata: {}\n\n").events, [{ type: "analysis", data: "{}" }]);
});

test("a stream reads the same wherever it is cut, with any line ending", () => {
  const text = ": heartbeat\n\nevent: analysis\ndata: one\ndata: two\n\nretry: 1500\n\nid: 42\nevent: analysis\ndata: ü✓\n\n";
  const expected = [
    { type: "analysis", data: "one\ntwo" },
    { type: "analysis", data: "ü✓" },
  ];
  for (const ending of ["\n", "\r\n", "\r"]) {
    const stream = text.replaceAll("\n", ending);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const { events, parser } = parse(stream.slice(0, cut), stream.slice(cut));
      assert.deepEqual(events, expected, `cut at ${cut} of ${JSON.stringify(ending)}`);
      assert.equal(parser.lastEventId, "42");
      assert.equal(parser.retryMs, 1500);
    }
    assert.deepEqual(parse(...stream).events, expected, "one character at a time");
  }
});

test("comments, unknown fields, empty data and a byte order mark are no events", () => {
  assert.deepEqual(parse(": heartbeat\n\n:\n\nfoo: bar\n\nevent: analysis\n\n").events, []);
  assert.deepEqual(parse("\uFEFFdata: x\n\n").events, [{ type: "message", data: "x" }]);
});

test("only the first space after the colon is dropped, and a field may have no colon", () => {
  assert.deepEqual(parse("data:  x\ndata\ndata:y\n\n").events, [{ type: "message", data: " x\n\ny" }]);
});

test("an id counts when its event is complete, stays for the next, and may not contain NUL", () => {
  const { parser } = parse("id: 1\ndata: a\n\nid: 2\ndata: b\n");
  assert.equal(parser.lastEventId, "1");
  assert.equal(parse("id: 1\ndata: a\n\ndata: b\n\nid: 3\0\ndata: c\n\n").parser.lastEventId, "1");
});

test("an id alone is the position, as soon as its block has ended", () => {
  for (const ending of ["\n", "\r\n", "\r"]) {
    const { events, parser } = parse(`id: 41${ending}${ending}`);
    assert.deepEqual(events, []);
    assert.equal(parser.lastEventId, "41");
    assert.equal(parse(`id: 41${ending}`).parser.lastEventId, "", "its block may go on");
  }
  assert.equal(parse("id: 41\n\nid\n\n").parser.lastEventId, "", "an empty one takes it back");
});

test("each event knows the position it was at", () => {
  assert.deepEqual(parse("data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\n\ndata: d\n\nid: 3\n\n").ids, ["", "1", "1", "2"]);
});

test("retry must be digits", () => {
  assert.equal(parse("retry: soon\nretry: 1.5\n\n").parser.retryMs, null);
});

// --- HTTP --------------------------------------------------------------------------------------------

test("Retry-After is read as seconds or as a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(parseRetryAfter("7", now), 7);
  assert.equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:30 GMT", now), 30);
  assert.equal(parseRetryAfter("Wed, 31 Dec 2025 23:00:00 GMT", now), 0);
  assert.equal(parseRetryAfter("later", now), null);
  assert.equal(parseRetryAfter(null, now), null);
});

test("a busy server is asked again a bounded number of times, and the person is told", async () => {
  let asked = 0;
  const waits = [];
  const busy = () => {
    asked += 1;
    throw new ApiError({ code: "rate_limited", status: 429, retryAfterSeconds: 0 });
  };
  await assert.rejects(withPatience(busy, { attempts: 3, onWait: (wait) => waits.push(wait) }), { code: "rate_limited" });
  assert.equal(asked, 3);
  assert.equal(waits.length, 2);
});

test("a wait longer than the person's patience is not begun", async () => {
  const later = () => Promise.reject(new ApiError({ code: "rate_limited", status: 429, retryAfterSeconds: 3600 }));
  await assert.rejects(withPatience(later, { onWait: assert.fail }), { code: "rate_limited" });
});

test("a proxy whose server restarts is asked again", async () => {
  for (const status of [502, 504]) {
    let asked = 0;
    const restarting = () => {
      asked += 1;
      if (asked < 2) throw new ApiError({ code: `http_${status}`, status, retryAfterSeconds: 0 });
      return Promise.resolve("there");
    };
    assert.equal(await withPatience(restarting), "there");
  }
});

test("an answer that will stay the same is not asked for again", async () => {
  let asked = 0;
  const refuse = () => {
    asked += 1;
    throw new ApiError({ code: "validation_failed", status: 422 });
  };
  await assert.rejects(withPatience(refuse), { code: "validation_failed" });
  assert.equal(asked, 1);
});

// --- session -----------------------------------------------------------------------------------------

/** A server in miniature: counts what is asked of it and knows one valid access token at a time. */
function fakeServer() {
  const calls = [];
  const server = {
    calls,
    valid: "",
    refreshWorks: true,
    issued: 0,
    /** @type {typeof fetch} */
    fetch: async (input, init = {}) => {
      const path = String(input);
      calls.push(path);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (path.startsWith("/v1/sessions/")) {
        if (path.endsWith("refresh") && !server.refreshWorks) return problem(401, "refresh_token_invalid");
        server.issued += 1;
        server.valid = `access-${server.issued}`;
        return Response.json({ userId: "u", accessToken: server.valid, refreshToken: `refresh-${server.issued}`, expiresIn: 900 });
      }
      const authorization = new Headers(init.headers).get("authorization");
      if (authorization !== `Bearer ${server.valid}`) return problem(401, "unauthenticated");
      return Response.json({ items: [], nextCursor: null });
    },
  };
  return server;
}

function problem(status, code, headers = {}) {
  return Response.json({ code, title: code, status }, { status, headers: { "content-type": "application/problem+json", ...headers } });
}

function memoryStore(tokens = null) {
  return { read: () => tokens, write: (next) => (tokens = next) };
}

test("a guest session begins with the first call, once for many at a time", async () => {
  const server = fakeServer();
  const api = new Api({ session: new Session({ store: memoryStore(), fetch: server.fetch }), fetch: server.fetch });
  await Promise.all([api.listAnalyses(), api.listAnalyses(), api.listAnalyses()]);
  assert.equal(server.calls.filter((path) => path === "/v1/sessions/guest").length, 1);
});

test("a refused access token is replaced once for all calls that met it", async () => {
  const server = fakeServer();
  const store = memoryStore({ userId: "u", accessToken: "stale", refreshToken: "r", expiresAtMs: Date.now() + 600_000 });
  const api = new Api({ session: new Session({ store, fetch: server.fetch }), fetch: server.fetch });
  await Promise.all([api.listAnalyses(), api.listAnalyses(), api.listAnalyses()]);
  assert.deepEqual(server.calls.filter((path) => path.includes("sessions")), ["/v1/sessions/refresh"]);
});

test("a call is sent twice at most when its token keeps being refused", async () => {
  const server = fakeServer();
  const fetch = async (input, init) => {
    const answer = await server.fetch(input, init);
    return String(input).includes("sessions") ? answer : problem(401, "unauthenticated");
  };
  const api = new Api({ session: new Session({ store: memoryStore(), fetch }), fetch });
  await assert.rejects(api.listAnalyses(), { code: "unauthenticated" });
  assert.equal(server.calls.filter((path) => path.startsWith("/v1/analyses")).length, 2);
});

test("a token is renewed before it ends, and what is left of it is used if that fails", async () => {
  const server = fakeServer();
  const soon = { userId: "u", accessToken: "old", refreshToken: "r", expiresAtMs: Date.now() + 20_000 };
  const session = new Session({ store: memoryStore(soon), fetch: server.fetch });
  assert.equal(await session.accessToken(), "access-1");
  const offline = new Session({ store: memoryStore(soon), fetch: () => Promise.reject(new TypeError("offline")) });
  assert.equal(await offline.accessToken(), "old");
});

test("a refused refresh begins a new guest session and says so; a broken line does not", async () => {
  const server = fakeServer();
  server.refreshWorks = false;
  const ended = { userId: "u", accessToken: "old", refreshToken: "r", expiresAtMs: 0 };
  let lost = 0;
  const session = new Session({ store: memoryStore(ended), fetch: server.fetch, onLost: () => (lost += 1) });
  assert.equal(await session.accessToken(), "access-1");
  assert.equal(lost, 1);
  assert.deepEqual(server.calls, ["/v1/sessions/refresh", "/v1/sessions/guest"]);

  const store = memoryStore(ended);
  const offline = new Session({ store, fetch: () => Promise.reject(new TypeError("offline")), onLost: assert.fail });
  await assert.rejects(offline.accessToken(), { code: "network" });
  assert.equal(store.read(), ended);
});

test("what onLost throws does not fail the calls that share the renewal", async () => {
  const server = fakeServer();
  server.refreshWorks = false;
  const store = memoryStore({ userId: "u", accessToken: "old", refreshToken: "r", expiresAtMs: 0 });
  const thrown = new Error("the caller's own");
  const told = [];
  const onError = (error) => told.push(error);
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", onError);
  try {
    const session = new Session({ store, fetch: server.fetch, onLost: () => { throw thrown; } });
    assert.deepEqual(await Promise.all([session.accessToken(), session.accessToken()]), ["access-1", "access-1"]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of before) process.on("uncaughtException", listener);
  }
  assert.deepEqual(told, [thrown], "it is told as an event handler's errors are");
});

test("a store that cannot keep the tokens says so", async () => {
  const soon = { userId: "u", accessToken: "old", refreshToken: "r", expiresAtMs: Date.now() + 20_000 };
  const full = () => { throw new Error("the disk is full"); };
  const session = new Session({ store: { read: () => soon, write: full }, fetch: fakeServer().fetch });
  await assert.rejects(session.accessToken(), { message: "the disk is full" });
});

test("tokens that another tab renewed are used as they are", async () => {
  const server = fakeServer();
  const store = memoryStore({ userId: "u", accessToken: "theirs", refreshToken: "r", expiresAtMs: Date.now() + 600_000 });
  const session = new Session({ store, fetch: server.fetch });
  assert.equal(await session.replace("ours"), "theirs");
  assert.deepEqual(server.calls, []);
});

// --- which words ---------------------------------------------------------------------------------------

test("every known code has words of its own in each language, in either case", () => {
  const codes =
    "NO_FACE MULTIPLE_FACES FACE_TOO_SMALL TOO_DARK TOO_BRIGHT BLURRED GREYSCALE LIGHT_TOO_COLOURED NOT_AN_IMAGE DAMAGED UNSUPPORTED_FORMAT IMAGE_TOO_LARGE " +
    "IMAGE_TOO_SMALL IMAGE_MISSING PHOTO_REFUSED ANALYZER_TIMEOUT ANALYZER_FAILED ATTEMPTS_EXHAUSTED rate_limited too_many_analyses queue_full unauthenticated " +
    "too_large not_found unavailable internal request_timeout unsupported_media_type network timeout upload_refused expired cancelled";
  for (const words of [english, korean]) {
    const unknown = adviceFor(words, { code: "no_such_code" });
    for (const code of codes.split(" ")) {
      for (const spelling of [code.toLowerCase(), code.toUpperCase()]) {
        const advice = adviceFor(words, { code: spelling });
        assert.notEqual(advice.title, unknown.title, spelling);
        assert.match(advice.advice, words === english ? /^[A-Z].*\.$/ : /[가-힣]\.$/, spelling);
        assert.ok(["choose", "retry"].includes(advice.next), spelling);
      }
    }
  }
});

test("the same photo is not offered again for what is wrong with the photo", () => {
  const next = (/** @type {string} */ code) => adviceFor(english, { code }).next;
  assert.deepEqual(["NO_FACE", "too_large", "not_found"].map(next), ["choose", "choose", "choose"]);
  assert.deepEqual(["IMAGE_MISSING", "rate_limited", "EXPIRED", "what_is_this"].map(next), ["retry", "retry", "retry", "retry"]);
});

test("an unknown problem speaks with the server's words, and says in which language", () => {
  const advice = adviceFor(english, { code: "kettle_on", title: "kettle is on", detail: "come back after tea" });
  assert.deepEqual(advice, { title: "That did not work", advice: "Come back after tea", next: "retry", language: "en" });
  assert.equal(adviceFor(korean, { code: "NEW_ONE", message: "the hat hides you" }).title, "잘 되지 않았어요");
  assert.equal(adviceFor(korean, {}).language, undefined);
  assert.match(adviceFor(english, {}).advice, /try again/i);
});

test("a refusal with Retry-After says when", () => {
  const refusal = { code: "rate_limited", retryAfterSeconds: 130 };
  assert.match(adviceFor(english, refusal).advice, /about 2 minutes\.$/);
  assert.match(adviceFor(korean, refusal).advice, /약 2분 뒤에는/);
});

test("an analysis that ended without a result is explained by its error, else by its status", () => {
  assert.match(adviceForAnalysis(english, { status: "failed", error: { code: "NO_FACE" } }).title, /face/);
  assert.match(adviceForAnalysis(english, { status: "expired", error: null }).title, /too long/);
});

test("the API's advice counts for codes without words here", () => {
  const told = (/** @type {string} */ code) => [{ code, language: "ko", title: "얼굴이 가려짐", text: "모자를 벗어 주세요." }];
  const known = adviceForAnalysis(korean, { status: "failed", error: { code: "NO_FACE" }, advice: told("NO_FACE") });
  assert.equal(known.title, "얼굴을 찾지 못했어요");
  const { title, advice, language } = adviceForAnalysis(korean, { status: "failed", error: { code: "HAT" }, advice: told("HAT") });
  assert.deepEqual([title, advice, language], ["얼굴이 가려짐", "모자를 벗어 주세요.", "ko"]);
});

test("places in line are said as people say them", () => {
  assert.deepEqual(readings.queueWords(english, { queuePosition: 4, estimatedWaitSeconds: 9 }), { title: "Number 4 in line", detail: "Still about 10 seconds to go" });
  assert.deepEqual(readings.queueWords(korean, { queuePosition: 4, estimatedWaitSeconds: 9 }), { title: "4번째로 기다리고 있어요", detail: "약 10초 남았어요" });
  assert.deepEqual(readings.queueWords(english, { queuePosition: 1, estimatedWaitSeconds: null }), { title: "You are next", detail: "" });
  assert.deepEqual(readings.queueWords(english, { queuePosition: null, estimatedWaitSeconds: null }), { title: "In line", detail: "" });
});

test("confidence is never overstated", () => {
  const levels = [0.25, 0.41, 0.62, 0.93].map((share) => readings.confidenceWords(english, share).level);
  assert.deepEqual(levels, [1, 2, 3, 4]);
  assert.match(readings.confidenceWords(english, 1).detail, /could still/);
});

test("undertone, skin, contrast, spread and warnings have words", () => {
  assert.equal(readings.undertoneWords(english, "WARM").title, "Warm");
  assert.equal(readings.undertoneWords(korean, "neutral").title, "뉴트럴");
  assert.match(readings.undertoneWords(english, "NEUTRAL_COOL").detail, /a little rosy/);
  assert.deepEqual(readings.undertoneWords(english, "SILVERY"), { title: "Silvery", detail: "" });
  assert.equal(readings.undertoneWords(english, null), null);
  const skins = [60, 45, 30, 20, 0, -40].map((ita) => english.say(readings.skinTone(ita)));
  assert.deepEqual(skins, ["Very light", "Light", "Medium", "Tan", "Brown", "Deep"]);
  assert.deepEqual([10, 30, 45, "HIGH", null].map((contrast) => readings.contrastWords(english, contrast)), ["Soft", "Medium", "Strong", "High", null]);
  assert.deepEqual([0, 0.3, 0.9].map(readings.spreadLevel), ["spread-small", "spread-medium", "spread-large"]);
  for (const code of ["COLOUR_CAST", "COLOR_CAST", "MIXED_LIGHT", "OCCLUDED"]) {
    assert.match(readings.warningWords(english, code).text, /truer reading/);
    assert.match(readings.warningWords(korean, code).text, /더 정확해요/);
  }
  assert.deepEqual(readings.warningWords(korean, "HAT", [{ code: "HAT", language: "ko", title: null, text: "모자" }]), { text: "모자", language: "ko" });
  assert.equal(readings.warningWords(english, "SOME_NEW_ONE", []).text, "Some new one");
});

test("every season has its words, and subtypes read as names", () => {
  for (const [season, colours] of Object.entries(SEASONS)) {
    assert.equal(colours.length, 6);
    for (const words of [english, korean]) {
      for (const part of ["essence", "about", "wear", "avoid", "metal"]) assert.ok(words.find(`season-${season.toLowerCase()}.${part}`), part);
    }
  }
  assert.equal(seasonName(korean, "WINTER"), "겨울");
  assert.equal(subtypeName(english, "DEEP_AUTUMN", "AUTUMN"), "Deep autumn");
  assert.equal(subtypeName(english, "MUTE_SUMMER", "SUMMER"), "Muted summer");
  assert.equal(subtypeName(korean, "MUTE_SUMMER", "SUMMER"), "여름 뮤트");
  assert.equal(subtypeName(english, "light", "SPRING"), "Light spring");
  assert.equal(subtypeName(english, "PALE", "SPRING"), "Pale spring");
  assert.equal(subtypeName(english, null, "SPRING"), "");
});

test("colours get the names a person would give them", () => {
  const name = (/** @type {string} */ hex) => english.say(colourName(hex));
  assert.deepEqual(["#FFFFFF", "#b5532d", "#1f2a7a", "nonsense"].map(name), ["White", "Rust", "Indigo", "Colour"]);
  assert.equal(korean.say(colourName("#1f2a7a")), "인디고");
});
