// Signing in on the page in a real browser, through the provider's own pages, and out again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const STEP_MS = 15_000;
const TEST = { timeout: 120_000 };

const base = process.env.TONEUP_URL;
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  assert.ok(base, "TONEUP_URL is not set");
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, timeout: 60_000 });
});

after(() => browser?.close());

/** @param {import("playwright-core").BrowserContextOptions} [options] */
async function visit(options = {}) {
  const context = await browser.newContext({ reducedMotion: "reduce", locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MS);
  /** @type {string[]} */
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && page.url().startsWith(String(base))) faults.push(message.text());
  });
  await page.goto(`${base}/`);
  return { context, page, faults };
}

/** A guest with one analysis, as the page keeps it. @param {import("playwright-core").Page} page */
async function becomeGuest(page) {
  return page.evaluate(async () => {
    const call = async (path, body, token) => {
      const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
      return (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
    };
    const { userId, accessToken, refreshToken, expiresIn } = await call("/v1/sessions/guest", {});
    const kept = { userId, accessToken, refreshToken, expiresAtMs: Date.now() + expiresIn * 1000 };
    localStorage.setItem("toneup.session", JSON.stringify(kept));
    const { id } = await call("/v1/analyses", { objectKey: `u/${userId}/nothing.jpg` }, accessToken);
    await call(`/v1/analyses/${id}/cancel`, {}, accessToken);
    return { userId, id };
  });
}

/** @param {import("playwright-core").Page} page @param {string} login */
async function passTheProvider(page, login) {
  await page.fill("input[name=login]", login);
  await page.fill("input[name=password]", "x");
  await page.click("button[type=submit]");
  await page.getByRole("button", { name: "Continue" }).click();
}

const userOf = (/** @type {import("playwright-core").Page} */ page) =>
  page.evaluate(() => JSON.parse(localStorage.getItem("toneup.session") ?? "{}").userId);

test("a guest signs in at the provider's page, keeps the history, and signs out", TEST, async () => {
  const { context, page, faults } = await visit();
  const guest = await becomeGuest(page);
  await page.reload();
  await page.getByRole("button", { name: "Continue with Acme" }).click();
  await passTheProvider(page, "alice");
  await page.getByText("You are signed in with Acme.").waitFor();
  assert.equal(new URL(page.url()).hash, "", "nothing of it stays in the address");
  assert.equal(await userOf(page), guest.userId, "the same user");
  await page.locator(`#history-list a[href="#${guest.id}"]`).waitFor();
  await page.getByText("This device").waitFor();
  const cookies = await context.cookies(base);
  assert.deepEqual(cookies.filter(({ name }) => name.startsWith("toneup_")), [], "no cookie stays");

  await page.reload();
  await page.getByText("You are signed in with Acme.").waitFor();
  await page.getByRole("button", { name: "Sign out", exact: true }).click();
  await page.getByRole("button", { name: "Continue with Acme" }).waitFor();
  assert.equal(await userOf(page), undefined);
  assert.equal(await page.locator("#history").isVisible(), false, "another person sees nothing of it");
  assert.deepEqual(faults, []);
  await context.close();
});

test("whoever turns back at the provider is told so, in Korean too", TEST, async () => {
  const { context, page } = await visit({ locale: "ko-KR" });
  await page.getByRole("button", { name: "Acme 계정으로 계속하기" }).click();
  await page.getByText("[ Cancel ]").click();
  await page.getByText("로그인을 취소했어요.").first().waitFor();
  await context.close();
});
