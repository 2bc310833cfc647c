// The page in a real browser against the running services: what a person sees, hears and presses.
//
//   TONEUP_URL=http://127.0.0.1:8080 PHOTOS_DIR=… node --test
//
// PHOTOS_DIR holds `face.jpg`, `face-2.jpg` and `no-face.jpg`; CHROMIUM names the browser. A missing service fails the tests.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { assertAccessible, begun, openPage } from "./page-tools.mjs";

const PHOTOS = process.env.PHOTOS_DIR ?? fileURLToPath(new URL("../../../.local/photos/", import.meta.url));
const FACE = join(PHOTOS, "face.jpg");
const ANOTHER_FACE = join(PHOTOS, "face-2.jpg");
const NO_FACE = join(PHOTOS, "no-face.jpg");
const SEASON = /^(Spring|Summer|Autumn|Winter)$/;

/** One action of the browser; and an analysis from the button to the answer, on a busy machine. */
const STEP_MS = 15_000;
const ANALYSIS_MS = 45_000;
const TEST = { timeout: 120_000 };

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const base = process.env.TONEUP_URL?.replace(/\/$/, "");
/** @type {import("playwright-core").Browser} */
let browser;
const scratch = mkdtempSync(join(tmpdir(), "toneup-browser-"));

before(async () => {
  assert.ok(base, "TONEUP_URL is not set: start the services and pass the address of the api");
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
});

after(async () => {
  await browser?.close();
  // Screenshots of failures stay; an empty folder does not.
  if (!failed) rmSync(scratch, { recursive: true, force: true });
});

let failed = false;

/**
 * Runs `story` on a fresh page of a fresh visitor, and holds the page to what must be true in every story: no error on
 * the console, nothing that the content security policy had to stop, no request to anyone but the api and the photo store.
 *
 * @param {string} name
 * @param {(page: import("playwright-core").Page, told: Told) => Promise<void>} story
 * @param {{ context?: import("playwright-core").BrowserContextOptions, faults?: RegExp }} [options] `faults`: console
 *   errors that the story itself provokes
 */
function story(name, story, { context: contextOptions = {}, faults } = {}) {
  test(name, TEST, async () => {
    const context = await browser.newContext({ reducedMotion: "reduce", locale: "en-US", ...contextOptions });
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    const told = await listen(page);
    try {
      await openPage(page, `${base}/`);
      await story(page, told);
      const errors = told.errors.filter((error) => !faults?.test(error));
      assert.deepEqual(errors, [], "errors on the console");
      assert.deepEqual(await page.evaluate("globalThis.cspViolations"), [], "content security policy");
      assert.deepEqual(told.foreignOrigins(), [], "requests to others");
    } catch (error) {
      failed = true;
      const file = join(scratch, `${name.replace(/\W+/g, "-")}.png`);
      await page.screenshot({ path: file, fullPage: true, timeout: STEP_MS }).catch(() => {});
      console.error(`screenshot: ${file}`);
      throw error;
    } finally {
      await context.close();
    }
  });
}

/**
 * @typedef {object} Told
 * @property {string[]} errors
 * @property {string[]} requests `METHOD url`, without the page's own files
 * @property {() => string[]} foreignOrigins
 * @property {() => Promise<import("playwright-core").FileChooser>} dialog the file dialog that a button has opened
 */

/**
 * Records what the page says and asks for.
 *
 * @param {import("playwright-core").Page} page
 * @returns {Promise<Told>}
 */
async function listen(page) {
  const errors = [];
  const requests = [];
  const origins = new Set();
  // Listened to from the start: the browser has to know of it before a button is pressed.
  const dialogs = [];
  page.on("filechooser", (chooser) => dialogs.push(chooser));
  const dialog = async () => {
    for (let tries = 0; tries < 100 && dialogs.length === 0; tries += 1) await page.waitForTimeout(50);
    assert.equal(dialogs.length, 1, "file dialogs opened");
    return dialogs.pop();
  };
  const allowed = new Set([new URL(/** @type {string} */ (base)).origin]);
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "blob:" && url.protocol !== "data:") origins.add(url.origin);
    if (url.pathname !== "/" && !/^\/(assets|client)\//.test(url.pathname)) requests.push(`${request.method()} ${request.url()}`);
  });
  page.on("response", async (response) => {
    if (response.request().method() !== "POST" || !response.url().endsWith("/v1/uploads") || response.status() !== 201) return;
    const { url } = await response.json().catch(() => ({}));
    if (url) allowed.add(new URL(url).origin);
  });
  await page.addInitScript(() => {
    globalThis.cspViolations = [];
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
      globalThis.cspViolations.push(`${violatedDirective} ${blockedURI}`);
    });
    // Everything that the polite status has said, in order.
    globalThis.said = [];
    addEventListener("DOMContentLoaded", () => {
      const status = document.querySelector("[role=status]");
      if (!status) return;
      const note = () => status.textContent && globalThis.said.push(status.textContent);
      new MutationObserver(note).observe(status, { childList: true, characterData: true, subtree: true });
    });
  });
  return { errors, requests, dialog, foreignOrigins: () => [...origins].filter((origin) => !allowed.has(origin)) };
}

/** @param {import("playwright-core").Page} page @param {Parameters<import("playwright-core").Page["setInputFiles"]>[1]} file */
async function choose(page, file) {
  await begun(page);
  await page.setInputFiles("#photo-input", file);
}

/** @param {import("playwright-core").Page} page */
const submitButton = (page) => page.getByRole("button", { name: "Find my season" });

/** @param {import("playwright-core").Page} page */
async function season(page) {
  const title = page.locator("#result-title");
  await title.waitFor({ timeout: ANALYSIS_MS });
  return (await title.textContent()) ?? "";
}

/** @param {import("playwright-core").Page} page */
async function problemTitle(page) {
  const title = page.locator("#problem-title");
  await title.waitFor({ timeout: ANALYSIS_MS });
  return title.textContent();
}

/** @param {import("playwright-core").Page} page */
function focusedId(page) {
  return page.evaluate(() => document.activeElement?.id);
}

/** @param {import("playwright-core").Page} page */
async function assertNoSidewaysScroll(page) {
  const { content, window } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    window: document.documentElement.clientWidth,
  }));
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`);
}

/** The list follows a moment after the result. @param {import("playwright-core").Page} page @param {number} count */
async function assertPastResults(page, count) {
  const items = page.locator("#history-list a");
  await items.nth(count - 1).waitFor();
  assert.equal(await items.count(), count);
}

story("a person uploads a selfie and reads the season off the page", async (page) => {
  await choose(page, FACE);
  await submitButton(page).click();
  assert.match(await season(page), SEASON);

  assert.equal(await focusedId(page), "result-title", "the focus is on the answer");
  const status = page.getByRole("status");
  assert.equal(await status.getAttribute("aria-live"), "polite");
  assert.match((await status.textContent()) ?? "", /Your season is (Spring|Summer|Autumn|Winter)/);
  assertInOrder(await page.evaluate("globalThis.said"));

  const swatches = page.locator("#palette button");
  assert.ok((await swatches.count()) >= 4, "a palette");
  const colours = await page.locator("#palette .chip").evaluateAll((chips) => chips.map((chip) => getComputedStyle(chip).backgroundColor));
  assert.equal(new Set(colours).size, colours.length, "every colour of the palette is drawn, and is another");
  assert.ok(!colours.includes("rgba(0, 0, 0, 0)"));

  await swatches.first().click();
  assert.equal(await swatches.first().getAttribute("aria-pressed"), "true");
  assert.equal(await page.locator("#drape").evaluate((drape) => getComputedStyle(drape, "::before").backgroundColor), colours[0]);

  await page.locator("#facts").getByText("Your skin").waitFor();
  await page.locator("#facts").getByText("Undertone").waitFor();
  await page.locator("#confidence-title").getByText(/reading|leaning|close call/i).waitFor();
  assert.match(await page.title(), /(Spring|Summer|Autumn|Winter)/);

  const looked = page.locator("#looked");
  await looked.getByText("What we looked at").click();
  assert.equal(await looked.locator("#looked-seasons li").count(), 4, "a bar for each season");
  const shares = await looked.locator("#looked-seasons .mono").allTextContents();
  const sum = shares.map((share) => Number.parseInt(share, 10)).reduce((one, other) => one + other);
  assert.ok(sum >= 98 && sum <= 102, `the shares are those of one whole: ${shares}`);
  assert.ok((await looked.locator("#looked-photo polygon").count()) >= 2, "where skin was measured is drawn on the photo");
  assert.match((await looked.locator("#looked-words").textContent()) ?? "", /measured on .*cheek/);
  await assertNoSidewaysScroll(page);

  await page.getByRole("heading", { name: "Your results" }).waitFor();
  await assertPastResults(page, 1);
});

/** Fast services may skip the line or the reading, but nothing comes before its turn. @param {string[]} said */
function assertInOrder(said) {
  const turns = [/^Photo chosen/, /^Uploading/, /in line|You are next/i, /^Reading/, /^Your season is/];
  const seen = said.map((text) => turns.findIndex((turn) => turn.test(text))).filter((turn) => turn >= 0);
  assert.deepEqual(seen, [...seen].sort((a, b) => a - b), `out of order: ${said.join(" | ")}`);
  for (const turn of [0, 1, 4]) assert.ok(seen.includes(turn), `never said ${turns[turn]}: ${said.join(" | ")}`);
}

story("several photos of a person become one answer, and each can be taken out before", async (page, told) => {
  await choose(page, FACE);
  const add = page.getByRole("button", { name: "Add another, in other light" });
  const thumbnails = page.getByRole("list", { name: "Your photos" }).getByRole("listitem");
  const addPhoto = async (file) => {
    const chooser = page.waitForEvent("filechooser");
    await add.press("Enter");
    await (await chooser).setFiles(file);
  };
  await addPhoto(ANOTHER_FACE);
  await thumbnails.nth(1).waitFor();
  await addPhoto({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no photo") });
  await page.getByRole("status").getByText("This file is not a photo").waitFor();
  assert.equal(await thumbnails.count(), 2, "those in hand stay");
  for (let count = 3; count <= 5; count += 1) {
    await addPhoto(NO_FACE);
    await thumbnails.nth(count - 1).waitFor();
  }
  assert.equal(await add.isVisible(), false, "five are enough");
  for (let number = 5; number >= 4; number -= 1) await page.getByRole("button", { name: `Remove photo ${number}` }).press("Enter");
  assert.equal(await thumbnails.count(), 3);

  await submitButton(page).click();
  assert.match(await season(page), SEASON);
  await page.locator("#facts").getByText(/2 photos combined, 1 left out \(they .*\)/).waitFor();
  assert.equal(told.requests.filter((request) => /^POST .*\/v1\/analyses$/.test(request)).length, 1, "one analysis");
});

story("a photo without a face gets friendly words and another try", async (page, told) => {
  await choose(page, NO_FACE);
  await submitButton(page).click();
  assert.equal(await problemTitle(page), "We could not find a face");
  assert.match((await page.locator("#problem-advice").textContent()) ?? "", /whole face from the front/);
  assert.equal(await focusedId(page), "problem-title");

  await page.getByRole("button", { name: "Choose another photo" }).click();
  await (await told.dialog()).setFiles(FACE);
  await submitButton(page).click();
  assert.match(await season(page), SEASON);
  await assertPastResults(page, 2);
});

story("a file that is no photo is refused in words, and nothing is sent", async (page, told) => {
  const text = join(scratch, "letter.txt");
  writeFileSync(text, "Dear ToneUp, which season am I?");
  const disguised = join(scratch, "letter.jpg");
  writeFileSync(disguised, "Dear ToneUp, which season am I?");
  const huge = join(scratch, "huge.jpg");
  writeFileSync(huge, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff]), Buffer.alloc(10 * 1024 * 1024)]));

  for (const [file, words] of [
    [text, "This file is not a photo"],
    [disguised, "This file is not a photo"],
    [huge, "This photo is too large"],
  ]) {
    await choose(page, file);
    await page.getByRole("heading", { name: words }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Choose another photo" }).isVisible(), true);
  }
  // The page asks by itself which providers there are.
  const sent = told.requests.filter((request) => !request.endsWith("/v1/sign-in/providers"));
  assert.deepEqual(sent, []);
});

story("a page that is reloaded goes on with its analysis", async (page) => {
  await choose(page, FACE);
  await submitButton(page).click();
  await page.waitForURL(/#[0-9a-f-]{36}$/, { timeout: ANALYSIS_MS });
  await page.reload();
  const first = await season(page);
  assert.match(first, SEASON);
  // From here the address names a finished analysis: it can be opened again, left, and come back to.
  await page.reload();
  assert.equal(await season(page), first);
  await page.getByRole("button", { name: "Try another photo" }).click();
  await page.getByRole("heading", { name: "Start with a selfie" }).waitFor();
  await page.goBack();
  assert.equal(await season(page), first);
});

story("a visitor who comes back finds past results, and opens one", async (page) => {
  await choose(page, FACE);
  await submitButton(page).click();
  const first = await season(page);
  await openPage(page, `${base}/`);
  const item = page.locator("#history-list a");
  await item.click();
  assert.equal(await season(page), first);
  assert.equal(await item.getAttribute("aria-current"), "true");
});

story("everything can be done with the keyboard", async (page, told) => {
  await tabTo(page, "Choose a photo");
  await page.keyboard.press("Enter");
  await (await told.dialog()).setFiles(FACE);
  await submitButton(page).waitFor();
  assert.equal(await focusedId(page), "submit", "the next step has the focus");
  await page.keyboard.press("Enter");
  assert.match(await season(page), SEASON);

  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => {
    const focused = /** @type {Element} */ (document.activeElement);
    return { swatch: focused.classList.contains("swatch"), style: getComputedStyle(focused).outlineStyle };
  });
  assert.deepEqual(outline, { swatch: true, style: "solid" }, "the first colour has a visible focus");
  await page.keyboard.press("Space");
  assert.equal(await page.locator("#palette button").first().getAttribute("aria-pressed"), "true");
  await tabTo(page, "Try another photo");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Start with a selfie" }).waitFor();
  assert.equal(await focusedId(page), "choose");
});

/** Presses Tab until the named button has the focus. @param {import("playwright-core").Page} page @param {string} name */
async function tabTo(page, name) {
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => document.activeElement?.textContent?.trim());
    if (focused === name) return;
  }
  assert.fail(`${name} cannot be reached with Tab`);
}

for (const width of [390, 320]) {
  story(
    `a phone of ${width} px never scrolls sideways`,
    async (page) => {
      await assertNoSidewaysScroll(page);
      await choose(page, FACE);
      await submitButton(page).waitFor();
      await assertNoSidewaysScroll(page);
      await submitButton(page).tap();
      assert.match(await season(page), SEASON);
      await assertNoSidewaysScroll(page);
      const small = await page.locator("button:visible").evaluateAll((buttons) =>
        buttons.filter((button) => button.getBoundingClientRect().height < 44).map((button) => button.textContent),
      );
      assert.deepEqual(small, [], "buttons too small for a thumb");
    },
    { context: { viewport: { width, height: 780 }, hasTouch: true, isMobile: true } },
  );
}

story("a screen reader finds names, roles and one main heading in every view", async (page) => {
  const body = page.locator("body");
  const start = await body.ariaSnapshot();
  for (const line of [
    '- link "Skip to the content"',
    "- main:",
    '- heading "Which season are you?" [level=1]',
    '- heading "Start with a selfie" [level=2]',
    '- button "Choose a photo"',
    '- list "For a true reading"',
  ]) {
    assert.ok(start.includes(line), `${line} is not in\n${start}`);
  }
  await assertNamed(page);

  await choose(page, FACE);
  await submitButton(page).click();
  const name = await season(page);
  const result = await body.ariaSnapshot();
  assert.ok(result.includes(`- heading "${name}" [level=1]`), result);
  assert.match(result, /- img "Step [1-4] of 4"/);
  assert.match(result, /- list "Your palette"/);
  assert.match(result, /button "[A-Z][\w ]+ #[0-9a-f]{6}"/);
  assert.match(result, /- term: Undertone/);
  await assertNamed(page);
});

/** Every control that can be reached has a name, and there is exactly one heading of level 1. @param {import("playwright-core").Page} page */
async function assertNamed(page) {
  const snapshot = await page.locator("body").ariaSnapshot();
  const nameless = snapshot.split("\n").filter((line) => /^\s*- (button|link|img|textbox|progressbar)(:|\s*\[|$)/.test(line) && !/: \S/.test(line));
  assert.deepEqual(nameless, [], `controls without a name in\n${snapshot}`);
  assert.equal(snapshot.match(/- heading .*\[level=1\]/g)?.length, 1, snapshot);
}

story(
  "when event streams do not get through, the result comes by polling",
  async (page, told) => {
    await page.route(/\/v1\/analyses\/[^/]+\/events/, (route) => route.abort());
    await choose(page, FACE);
    await submitButton(page).click();
    assert.match(await season(page), SEASON);
    assert.ok(told.requests.some((request) => /\?wait=\d+/.test(request)), told.requests.join("\n"));
  },
  { faults: /Failed to load resource/ },
);

story(
  "an access token that ran out is renewed once, unseen",
  async (page, told) => {
    await startSession(page);
    await changeTokens(page, (tokens) => ({ ...tokens, accessToken: "no.longer.good" }));
    await page.reload();
    await choose(page, FACE);
    await submitButton(page).click();
    assert.match(await season(page), SEASON);
    assert.equal(told.requests.filter((request) => request.endsWith("/v1/sessions/refresh")).length, 1);
    assert.equal(await page.locator("#notice").isVisible(), false);
  },
  { faults: /status of 401/ },
);

story(
  "a session that the server no longer knows begins anew, and the person is told",
  async (page) => {
    await startSession(page);
    await changeTokens(page, (tokens) => ({ ...tokens, accessToken: "no.longer.good", refreshToken: "never-was" }));
    await page.reload();
    await page.locator("#notice-text").getByText(/past results are no longer shown/).waitFor();
    await assertNamed(page);
    await page.getByRole("button", { name: "Dismiss this message" }).click();
    assert.equal(await page.locator("#notice").isVisible(), false);
    await choose(page, FACE);
    await submitButton(page).click();
    assert.match(await season(page), SEASON);
    await assertPastResults(page, 1);
  },
  { faults: /status of 401/ },
);

/** @param {import("playwright-core").Page} page */
async function startSession(page) {
  await choose(page, FACE);
  await submitButton(page).click();
  await season(page);
  await openPage(page, `${base}/`);
}

/** @param {import("playwright-core").Page} page @param {(tokens: object) => object} change */
async function changeTokens(page, change) {
  const kept = await page.evaluate(() => localStorage.getItem("toneup.session"));
  const changed = JSON.stringify(change(JSON.parse(kept ?? "{}")));
  await page.evaluate((tokens) => localStorage.setItem("toneup.session", tokens), changed);
}

story(
  "a busy server is waited for, and the person sees it",
  async (page) => {
    let refused = false;
    await page.route("**/v1/uploads", (route) => {
      if (refused) return route.continue();
      refused = true;
      const headers = { "content-type": "application/problem+json", "retry-after": "2" };
      return route.fulfill({ status: 429, headers, body: JSON.stringify({ code: "rate_limited", title: "Too many requests", status: 429 }) });
    });
    await choose(page, FACE);
    await submitButton(page).click();
    await page.getByRole("heading", { name: "Many people are asking right now" }).waitFor();
    assert.match(await season(page), SEASON);
  },
  { faults: /status of 429/ },
);

story(
  "a lost connection is explained, and the same photo can be sent again",
  async (page) => {
    await page.route("**/v1/**", (route) => route.abort());
    await choose(page, FACE);
    await submitButton(page).click();
    assert.equal(await problemTitle(page), "We cannot reach ToneUp");
    await page.unroute("**/v1/**");
    await page.getByRole("button", { name: "Try again" }).click();
    assert.match(await season(page), SEASON);
  },
  { faults: /Failed to load resource/ },
);

story(
  "a visitor from Korea is answered in Korean, from the first word to the last",
  async (page) => {
    assert.equal(await page.title(), "ToneUp: 내 퍼스널 컬러 찾기");
    await page.getByRole("heading", { name: "나는 어떤 계절일까요?" }).waitFor();
    await assertKorean(page, "the beginning");

    // A name that the person gave in Korean, so that every Latin word is the page's.
    const photo = (/** @type {string} */ path) => ({ name: "셀카.jpg", mimeType: "image/jpeg", buffer: readFileSync(path) });
    await choose(page, photo(NO_FACE));
    await page.getByRole("heading", { name: "준비됐어요" }).waitFor();
    await assertKorean(page, "a photo is chosen");
    const submit = page.getByRole("button", { name: "내 퍼스널 컬러 찾기" });
    await submit.click();
    assert.equal(await problemTitle(page), "얼굴을 찾지 못했어요");
    await assertKorean(page, "no face");

    await choose(page, photo(FACE));
    await submit.click();
    assert.match(await season(page), /^(봄|여름|가을|겨울)$/);
    assert.match((await page.getByRole("status").textContent()) ?? "", /^나의 퍼스널 컬러는 (봄|여름|가을|겨울)이에요\. .*결과\.$/);
    await page.locator("#looked summary").click();
    assert.match((await page.locator("#looked-words").textContent()) ?? "", /피부색은 .*볼.*에서 쟀어요\. .*빛/);
    assert.match((await page.locator("#result-meta").textContent()) ?? "", /^\d{4}년 \d+월 \d+일 (오전|오후) \d+:\d\d, \S.* 모델로 분석$/);
    await assertPastResults(page, 2);
    await assertKorean(page, "the result");
    await page.locator("#palette button").first().click();
    await assertKorean(page, "a colour is held up");

    await page.getByRole("button", { name: "프로필" }).click();
    await page.getByRole("dialog", { name: "내 프로필" }).getByText("100자 이내").waitFor();
    await assertKorean(page, "the profile");
  },
  { context: { locale: "ko-KR", viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true } },
);

/** Names, formats, units and the endings of files: what Korean writes in Latin letters, too. */
const LATIN = new Set(["ToneUp", "JPEG", "PNG", "WebP", "HEIC", "MB", "kB", "jpg"]);

/**
 * What is seen and what is read out is Korean, and nobody is kept out.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} where
 */
async function assertKorean(page, where) {
  const { language, texts } = await page.evaluate(() => {
    // The model has its own name, and colours their numbers.
    const shown = [...document.querySelectorAll("body *")].filter((element) => element instanceof HTMLElement && element.checkVisibility() && !element.closest("#result-meta, .mono, .swatch-hex"));
    const own = shown.flatMap((element) => [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ textContent }) => textContent ?? ""));
    const named = shown.flatMap((element) => ["aria-label", "title", "alt", "placeholder"].map((name) => element.getAttribute(name) ?? ""));
    return { language: document.documentElement.lang, texts: [...own, ...named, document.title] };
  });
  assert.equal(language, "ko", where);
  const latin = texts.flatMap((text) => text.match(/[A-Za-z]{2,}/g) ?? []).filter((word) => !LATIN.has(word));
  assert.deepEqual(latin, [], where);
  await assertNoSidewaysScroll(page);
  await assertAccessible(page, where);
}
