// Visitors of the product's page in a real browser, each held to silence on the console and to the security policy.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export { assertAccessible } from "./page-tools.mjs";

/** One action of the browser, on a busy machine. */
const STEP_MS = 20_000;
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PHOTOS = process.env.PHOTOS_DIR ?? fileURLToPath(new URL("../../../.local/photos/", import.meta.url));

export const FACE = join(PHOTOS, "face.jpg");
export const TEST = { timeout: 180_000 };
export const base = (process.env.TONEUP_URL ?? "").replace(/\/$/, "");

/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  assert.ok(base, "TONEUP_URL is not set: start the services and pass the address of the api");
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, timeout: 60_000 });
});

after(() => browser?.close());

/**
 * Somebody with a browser of their own, at an address of the page.
 *
 * @param {object} [options]
 * @param {string} [options.nickname]
 * @param {string} [options.path]
 * @param {RegExp} [options.faults] what the console may say
 * @param {import("playwright-core").BrowserContextOptions} [options.context]
 */
export async function visit({ nickname, path = "/feed", faults, context: contextOptions = {} } = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", locale: "en-GB", viewport: { width: 1100, height: 900 }, ...contextOptions });
  context.setDefaultTimeout(STEP_MS);
  const said = /** @type {string[]} */ ([]);
  context.on("console", (message) => /error|Content.Security/i.test(message.type() + message.text()) && said.push(message.text()));
  context.on("weberror", (error) => said.push(String(error.error())));
  const page = await context.newPage();
  await page.goto(`${base}/app#${path}`);
  const call = (/** @type {string} */ method, /** @type {string} */ path, /** @type {unknown} */ json) => page.evaluate(ask, { method, path, json });
  const me = await call("GET", "/v1/me");
  if (nickname) await call("PATCH", "/v1/me", { nickname });
  return {
    page,
    context,
    call,
    id: /** @type {string} */ (me.id),
    open: (/** @type {string} */ path) => page.evaluate((path) => void (location.hash = path), path),
    /** Ends the visit; fails on what the console said. */
    async leave() {
      const errors = said.filter((text) => !faults?.test(text));
      await context.close();
      assert.deepEqual(errors, []);
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof visit>>} Visitor */

/** A call of the API with the page's session. @param {{ method: string, path: string, json?: unknown }} call */
async function ask({ method, path, json }) {
  for (let tries = 0; !localStorage.getItem("toneup.session") && tries < 200; tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  const { accessToken } = JSON.parse(localStorage.getItem("toneup.session") ?? "{}");
  const headers = { authorization: `Bearer ${accessToken}`, ...(json === undefined ? {} : { "content-type": "application/json" }) };
  const response = await fetch(path, { method, headers, body: json === undefined ? undefined : JSON.stringify(json) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : null;
}

/**
 * Types a Korean word as an input method does: each syllable is composed, then committed.
 *
 * @param {import("playwright-core").Page} page
 * @param {string[][]} syllables the states of each, the last being the syllable
 */
export async function compose(page, syllables) {
  const keyboard = await page.context().newCDPSession(page);
  for (const states of syllables) {
    for (const text of states) await keyboard.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
    await keyboard.send("Input.insertText", { text: states[states.length - 1] });
  }
  await keyboard.detach();
}

/** Writes a post with a picture, and waits until others see it. @param {Visitor} author @param {string} text @param {string} [alt] */
export async function post({ page, open }, text, alt = "") {
  await open("/compose");
  await page.getByRole("heading", { name: "New post" }).waitFor();
  await page.setInputFiles(".composer input[type=file]", FACE);
  await page.getByLabel("Description of picture 1").fill(alt);
  await page.getByLabel("Text", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await page.locator(".post").getByText(text).waitFor();
  await page.locator(".post .strip img").first().waitFor();
  return page.evaluate(() => location.hash.split("/").at(-1) ?? "");
}
