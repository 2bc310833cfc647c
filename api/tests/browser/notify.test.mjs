// Notifications in a real browser. Headless, `pushManager.subscribe` has no push service to turn to: what it gives is
// stood in for. What a push service would deliver is delivered to the worker by the browser itself (DevTools).

import assert from "node:assert/strict";
import { createECDH, randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { openPage } from "./page-tools.mjs";

const PHOTOS = process.env.PHOTOS_DIR ?? fileURLToPath(new URL("../../../.local/photos/", import.meta.url));
const FACE = join(PHOTOS, "face.jpg");
const STEP_MS = 15_000;
const ANALYSIS_MS = 45_000;
const TEST = { timeout: 120_000 };
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

const base = (process.env.TONEUP_URL ?? "").replace(/\/$/, "");
/** @type {import("playwright-core").Browser} */
let browser;

before(async () => {
  assert.ok(base, "TONEUP_URL is not set: start the services and pass the address of the api");
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, timeout: 60_000 });
});

after(() => browser?.close());

/**
 * Runs `story` in a fresh context, and holds every page of it to silence on the console and to the security policy.
 *
 * @param {string} name
 * @param {string[]} permissions
 * @param {(context: import("playwright-core").BrowserContext) => Promise<void>} story
 */
function story(name, permissions, story) {
  test(name, TEST, async () => {
    const context = await browser.newContext({ reducedMotion: "reduce", locale: "en-GB" });
    context.setDefaultTimeout(STEP_MS);
    const errors = [];
    context.on("console", (message) => /error|Content.Security/i.test(message.type() + message.text()) && errors.push(message.text()));
    context.on("weberror", (error) => errors.push(String(error.error())));
    try {
      await context.grantPermissions(permissions, { origin: base });
      await story(context);
      assert.deepEqual(errors, []);
    } finally {
      await context.close();
    }
  });
}

/** Submits a photo, and holds back what would tell of it until `release` is called. @param {import("playwright-core").Page} page */
async function waitingPage(page) {
  let release = () => {};
  const released = new Promise((resolve) => (release = () => resolve(undefined)));
  await page.route(/\/v1\/analyses\/[^/]+(\/events|\?wait.*)$/, async (route) => {
    await released;
    await route.continue().catch(() => {});
  });
  await openPage(page, `${base}/`);
  await page.setInputFiles("#photo-input", FACE);
  await page.getByRole("button", { name: "Find my season" }).click();
  return { release };
}

/** Stands in for the browser's own push service. @param {import("playwright-core").BrowserContext} context */
async function standInForSubscribing(context) {
  const ecdh = createECDH("prime256v1");
  const keys = { p256dh: ecdh.generateKeys("base64url"), auth: randomBytes(16).toString("base64url") };
  await context.addInitScript((keys) => {
    /** @type {any} */
    let subscription = null;
    PushManager.prototype.getSubscription = async () => subscription;
    PushManager.prototype.subscribe = async (options) => {
      if (!options?.userVisibleOnly || options.applicationServerKey.length !== 65) throw new Error("bad options");
      const json = { endpoint: "https://push.example/send/1", keys };
      subscription = { options: { applicationServerKey: options.applicationServerKey.buffer }, toJSON: () => json, unsubscribe: async () => (subscription = null) };
      return subscription;
    };
  }, keys);
}

/** What the server has registered for this visitor. @param {import("playwright-core").Page} page */
function registered(page) {
  return page.evaluate(async () => {
    const { accessToken } = JSON.parse(localStorage.getItem("toneup.session") ?? "{}");
    const answer = await fetch("/v1/push-subscriptions", { headers: { authorization: `Bearer ${accessToken}` } });
    return (await answer.json()).items;
  });
}

story("a person asks to be notified, and takes it back", ["notifications"], async (context) => {
  await standInForSubscribing(context);
  const page = await context.newPage();
  const { release } = await waitingPage(page);
  await page.getByRole("button", { name: "Notify me when it is ready" }).click();
  await page.getByText("You can close the page.").first().waitFor();
  const items = await registered(page);
  assert.deepEqual(items.map(({ kind, service, active }) => ({ kind, service, active })), [{ kind: "web", service: "push.example", active: true }]);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "notify-button");
  assert.match((await page.getByRole("status").textContent()) ?? "", /This device is notified/);

  await page.getByRole("button", { name: "Turn notifications off" }).click();
  await page.getByRole("button", { name: "Notify me when it is ready" }).waitFor();
  assert.deepEqual(await registered(page), []);
  release();
  await page.locator("#result-title").waitFor({ timeout: ANALYSIS_MS });
  assert.equal(await page.locator("#notify").isVisible(), false);
});

story("a browser that blocks notifications is told where to allow them", [], async (context) => {
  const page = await context.newPage();
  await waitingPage(page);
  await page.getByRole("button", { name: "Notify me when it is ready" }).click();
  await page.getByText("Notifications are blocked for this page.").first().waitFor();
  assert.equal(await page.getByRole("button", { name: "Notify me" }).count(), 0);
});

/** Registers the page's worker. @param {import("playwright-core").Page} page */
async function worker(page) {
  const client = await page.context().newCDPSession(page);
  const registration = new Promise((found) => {
    client.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const ours = registrations.find(({ scopeURL, isDeleted }) => scopeURL === `${base}/` && !isDeleted);
      if (ours) found(ours.registrationId);
    });
  });
  await client.send("ServiceWorker.enable");
  await page.evaluate(async () => {
    await navigator.serviceWorker.register("/service-worker.js");
    await navigator.serviceWorker.ready;
  });
  const registrationId = await registration;
  /** @param {import("playwright-core").CDPSession} session @param {object} message */
  const push = (session, message) =>
    session.send("ServiceWorker.deliverPushMessage", { origin: base, registrationId, data: JSON.stringify(message).padEnd(256) });
  return { client, push };
}

/** The notifications on show, when there are `count`. @param {import("playwright-core").Page} page @param {number} count */
async function notifications(page, count) {
  for (let tries = 0; ; tries += 1) {
    const shown = await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const shown = await registration.getNotifications();
      return shown.map(({ title, body, tag, data, lang }) => ({ title, body, tag, data, lang }));
    });
    if (shown.length === count) return shown;
    assert.ok(tries < 200, `${shown.length} notifications, not ${count}`);
    await page.waitForTimeout(50);
  }
}

const ANALYSIS = "01890a5d-ac96-774b-bcce-b302099a8057";
const AUTUMN = { id: "n1", type: "analysis.succeeded", analysisId: ANALYSIS, season: "AUTUMN" };

story("a push shows the season while no page is open, and once when it comes twice", ["notifications"], async (context) => {
  const page = await context.newPage();
  await openPage(page, `${base}/`);
  const { push } = await worker(page);
  const elsewhere = await context.newPage();
  const client = await context.newCDPSession(elsewhere);
  await client.send("ServiceWorker.enable");
  await page.close();

  await push(client, AUTUMN);
  await push(client, AUTUMN);
  await push(client, { ...AUTUMN, id: "n2", type: "analysis.failed", season: undefined, status: "failed" });
  const later = await context.newPage();
  await openPage(later, `${base}/`);
  const shown = (await notifications(later, 2)).sort((a, b) => a.tag.localeCompare(b.tag));
  assert.deepEqual(shown[0], {
    title: "Your season is Autumn",
    body: "Open ToneUp to see the colours that suit you.",
    tag: "n1",
    data: { analysisId: ANALYSIS, place: null },
    lang: "en",
  });
  assert.equal(shown[1].title, "Your photo could not be read");
});

story("the page that is open goes to the analysis that its worker names", ["notifications"], async (context) => {
  const page = await context.newPage();
  await openPage(page, `${base}/`);
  const started = context.serviceWorkers()[0] ?? context.waitForEvent("serviceworker");
  await worker(page);
  const inside = await started;
  // What a press does; a press itself cannot be made here.
  await inside.evaluate(async (analysisId) => {
    const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    for (const page of pages) page.postMessage({ type: "open", analysisId });
  }, ANALYSIS);
  await page.waitForURL(`${base}/#${ANALYSIS}`);
});
