// The catalogue of the pages' words: whole in each language, used as a whole, and the only place that has any.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { catalogue, folder, load, wordsOf } from "./modules.mjs";

const { FluentResource } = await load("assets/vendor/fluent/resource.js");
const { idOf } = await load("assets/words.js");
const { NOTICE_TYPES } = await load("client/notices.js");
const [english, korean] = [await wordsOf("en"), await wordsOf("ko")];

/** The patterns of a language by the ids of messages and attributes. @param {string} language @returns {Map<string, unknown>} */
function patterns(language) {
  const { body } = new FluentResource(catalogue(language));
  const all = body.flatMap(({ id, value, attributes }) => [[id, value], ...Object.entries(attributes).map(([name, pattern]) => [`${id}.${name}`, pattern])]);
  assert.equal(new Set(all.map(([id]) => id)).size, all.length, `${language}: an id is there twice`);
  return new Map(all.filter(([, pattern]) => pattern !== null));
}

const [ENGLISH, KOREAN] = [patterns("en"), patterns("ko")];

/** The values that a pattern shows; those that it only chooses by may differ between languages. @param {any} pattern @returns {string[]} */
function values(pattern) {
  if (Array.isArray(pattern)) return pattern.flatMap(values);
  if (pattern?.type === "var") return [pattern.name];
  if (pattern?.type === "select") return pattern.variants.flatMap(({ value }) => values(value));
  return [];
}

test("English and Korean have the same messages, with the same values in them", () => {
  assert.deepEqual([...KOREAN.keys()], [...ENGLISH.keys()], "in the same order");
  for (const [id, pattern] of ENGLISH) {
    const [ours, theirs] = [new Set(values(pattern)), new Set(values(KOREAN.get(id)))];
    // "about an hour" has no number, 약 1시간 has one.
    if (pattern && /** @type {any} */ (pattern)[0]?.type !== "select") assert.deepEqual([...theirs].sort(), [...ours].sort(), id);
    else assert.ok([...theirs].every((name) => ours.has(name)), id);
  }
});

test("nothing of the catalogue is lost to a slip in its syntax", () => {
  for (const [language, all] of Object.entries({ en: ENGLISH, ko: KOREAN })) {
    const lines = catalogue(language).split("\n");
    const begun = lines.filter((line) => /^[a-z][\w-]* =|^ {4}\.[a-z]+ =/.test(line)).length;
    assert.equal(all.size, begun, language);
    const strange = lines.filter((line) => line !== "" && !/^(#|[a-z][\w-]* =|    \S|        \[| {7}\*\[)/.test(line));
    assert.deepEqual(strange, [], language);
  }
});

test("Korean is Korean", () => {
  // "4:5" is a shape, ToneUp a name, and the language names itself.
  const bare = [...KOREAN.keys()].filter((id) => !/[가-힣]/.test(JSON.stringify(KOREAN.get(id))));
  assert.deepEqual(bare, ["language", "crop-portrait"]);
  const clumsy = [...KOREAN].filter(([, pattern]) => /[가-힣}]\([가-힣]\)/.test(JSON.stringify(pattern)));
  assert.deepEqual(clumsy, [], "을(를): another wording has no need of it");
});

// --- what uses it ---------------------------------------------------------------------------------------

/** The pages' own files; the operators' page speaks English, and the service worker runs without a page. @param {string} ending */
function files(ending) {
  const names = /** @type {string[]} */ (readdirSync(join(folder, "assets"), { recursive: true }));
  const ours = names.filter((name) => name.endsWith(ending) && !/^(admin|vendor|service-worker)/.test(name));
  return new Map(ours.map((name) => [name, readFileSync(join(folder, "assets", name), "utf8")]));
}

const SCRIPTS = files(".js");
const PAGES = files(".html");
const ALL = [...SCRIPTS.values()].join("\n");

/** The first arguments of the calls of a function. @param {string} text @param {RegExp} call ends with the bracket */
function* firstArguments(text, call) {
  for (const { index, 0: found } of text.matchAll(call)) {
    let end = index + found.length;
    for (let depth = 0; depth > 0 || !/[,)]/.test(text[end]); end += 1) depth += /[([{]/.test(text[end]) ? 1 : /[)\]}]/.test(text[end]) ? -1 : 0;
    yield text.slice(index + found.length, end);
  }
}

test("every word that is said exists", () => {
  let said = 0;
  for (const [name, text] of SCRIPTS) {
    for (const argument of firstArguments(text, /(?<!#)\b(?:say|words\.find)\(/g)) {
      for (const [, id] of argument.replace(/[!=]== "[^"]*"|idOf\(.*/g, "").matchAll(/"([^"]*)"/g)) {
        said += 1;
        assert.ok(ENGLISH.has(id), `${name}: ${id}`);
      }
    }
    for (const [, id] of text.matchAll(/\bkey: "([^"]+)"/g)) assert.ok(ENGLISH.has(id), `${name}: ${id}`);
  }
  assert.ok(said > 200, `${said} were found`);
  for (const type of NOTICE_TYPES) {
    for (const part of ["notice", "kind"]) assert.ok(ENGLISH.has(idOf(part, type)), `${part} ${type}`);
  }
});

/** What ids that are made of data begin with: the analyzer, the API and its providers may add codes. */
const OF_DATA = ["advice", "error", "kind", "notice", "reason", "region", "season", "sex", "sign-in-failed", "subtype", "undertone", "warning", "why"];

test("every word of the catalogue is used", () => {
  const made = [...ALL.matchAll(/\bidOf\("([a-z-]+)"/g)].map(([, part]) => part);
  assert.deepEqual([...new Set(made)].filter((part) => part !== "contrast").sort(), OF_DATA);
  const ofCode = [...ALL.matchAll(/`([a-z]+)-\$\{/g)].map(([, part]) => part);
  const begins = [...OF_DATA, ...ofCode].map((part) => `${part}-`);
  const html = [...PAGES.values()].join("\n");
  for (const id of ENGLISH.keys()) {
    const [name, attribute] = id.split(".");
    const isUsed = ALL.includes(`"${id}"`) || html.includes(`{{${id}}}`) || begins.some((begin) => name.startsWith(begin));
    assert.ok(isUsed, `${id} is of no use`);
    if (attribute) assert.ok(ALL.includes(`.${attribute}\``) || ALL.includes(`.${attribute}"`) || ALL.includes(`"${attribute}"`), `nobody asks for ${id}`);
  }
});

test("every colour that has a name has it in the catalogue, and no other is there", async () => {
  const named = [...(SCRIPTS.get("colours.js") ?? "").matchAll(/\["([a-z-]+)", "#/g)].map(([, name]) => `colour-${name}`);
  const inCatalogue = [...ENGLISH.keys()].filter((id) => id.startsWith("colour-"));
  assert.deepEqual([...named, "colour-unknown"].sort(), inCatalogue.sort());
  for (const words of [english, korean]) {
    const names = inCatalogue.map((id) => words.say(id));
    assert.equal(new Set(names).size, names.length, `${words.language}: two colours have one name`);
  }
});

// --- and nothing beside it ----------------------------------------------------------------------------------

/** What scripts say to programs and developers, and names of keys. */
const NO_WORDS = /\b(?:Error|DOMException)\(.*|console\.\w+\(.*|\.(?:key|name) [!=]== "\w+"|case "\w+":/g;

test("the scripts have no words of their own", () => {
  for (const [name, text] of SCRIPTS) {
    const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "").replace(NO_WORDS, "");
    assert.doesNotMatch(code, /[가-힣]/, name);
    const texts = [...code.matchAll(/"([^"\n]*)"|`([^`\n]*)`/g)].map(([, quoted, template]) => (quoted ?? template).replaceAll(/\$\{[^}]*\}/g, "…"));
    const spoken = texts.filter((text) => /^[A-Z][a-z]+[.…]?$|[A-Za-z]{2,}[,.:]? [a-z]{2,}/.test(text) && !/[#<=>/]/.test(text));
    assert.deepEqual(spoken.filter((text) => !isOfTheDom(text)), [], name);
  }
});

/** Class names, keys and names of the DOM. @param {string} text */
function isOfTheDom(text) {
  return /^[a-z-]+(,? [a-z…-]+)*$/.test(text) || ["Enter", "Escape", "Home", "End", "Tab", "Backspace", "Files", "Notification"].includes(text) || text.startsWith("(prefers-");
}

test("the pages have no words of their own", () => {
  for (const [name, text] of PAGES) {
    const html = text.replace(/<(svg|script)[\s\S]*?<\/\1>/g, "").replaceAll(/\{\{[a-z-]+\}\}/g, "");
    const shown = [...html.matchAll(/>([^<>]+)</g)].map(([, text]) => text.trim()).filter((text) => text !== "" && text !== "ToneUp");
    assert.deepEqual(shown, [], name);
    const named = [...html.matchAll(/(?:aria-label|title|alt|placeholder)="([^"]*)"/g)].map(([, text]) => text).filter(Boolean);
    assert.deepEqual(named, [], name);
    assert.match(text, /<html lang="\{\{language\}\}">/);
    assert.match(text, /<meta name="description" content="\{\{[a-z-]+\}\}">/);
  }
});

// --- how it is said --------------------------------------------------------------------------------------

test("numbers and times are said as people say them", () => {
  assert.equal(english.say("likes", { count: 1 }), "1 like");
  assert.equal(english.say("likes", { count: 1200 }), "1,200 likes");
  assert.equal(korean.say("likes", { count: 1200 }), "좋아요 1,200개");
  assert.equal(korean.price(39_000), "39,000원");
  assert.equal(english.price(39_000), "₩39,000");
  assert.deepEqual([english.size(500), english.size(245_300), english.size(1_240_000)], ["1 kB", "245 kB", "1.2 MB"]);
  assert.equal(korean.size(1_240_000), "1.2MB");
  assert.deepEqual([english.short(1234), korean.short(34_000)], ["1.2K", "3.4만"]);
  const durations = [2, 12.3, 75, 200, 3400, 7300];
  assert.deepEqual(
    durations.map((seconds) => english.duration(seconds)),
    ["a few seconds", "about 15 seconds", "about a minute", "about 3 minutes", "about an hour", "about 2 hours"],
  );
  assert.deepEqual(
    durations.map((seconds) => korean.duration(seconds)),
    ["몇 초", "약 15초", "약 1분", "약 3분", "약 1시간", "약 2시간"],
  );
  const now = Date.parse("2026-11-30T12:00:00Z");
  assert.equal(english.ago("2026-11-30T11:59:30Z", now), "now");
  assert.equal(english.ago("2026-11-30T12:03:00Z", now), "now", "a clock that is behind the server's");
  assert.match(english.ago("2026-11-30T11:15:00Z", now), /45 min/);
  assert.match(korean.ago("2026-11-29T10:00:00Z", now), /어제|1일/);
  assert.equal(english.ago("2025-01-02T10:00:00Z", now), "January 2, 2025");
  assert.match(korean.moment("2026-11-30T12:00:00Z"), /^2026년 1[12]월 \d+일 (오전|오후) \d+:\d\d$/);
  assert.match(korean.clock("2026-11-30T12:00:00Z"), /^(오전|오후) \d+:\d\d$/);
});

test("what is said of several photos depends on how many", () => {
  assert.equal(english.say("photos-combined-but", { count: 1, left: 2 }), "1 photo combined, 2 left out");
  assert.equal(english.say("photos-combined", { count: 2 }), "2 photos combined");
  assert.equal(korean.say("photos-combined-but", { count: 2, left: 1 }), "사진 2장을 함께 보고 1장은 뺐어요");
  assert.equal(english.say("uploading-photos", { count: 1 }), "Uploading your photo");
});

test("whoever is told of is told of without marks of direction", () => {
  const who = korean.say("and-others", { name: "지우", count: 2 });
  assert.equal(korean.say("notice-post-liked", { who }), "지우님 외 2명이 내 글을 좋아해요");
});

test("a word that is missing is an error on the console, and its id stands for it", (t) => {
  const told = t.mock.method(console, "error", () => {});
  assert.equal(english.say("nothing-of-the-kind"), "nothing-of-the-kind");
  assert.equal(english.find("season-monsoon"), null);
  assert.equal(told.mock.callCount(), 1);
});
