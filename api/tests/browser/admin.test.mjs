// The operators' page in a real browser against a running api and worker: what an operator sees and presses.
//
//   TONEUP_URL=http://127.0.0.1:8080 OPERATOR_TOKEN=… USER_TOKEN=… node --test admin.test.mjs
//
// The database holds some failed jobs. SCREENSHOT names a file to draw the page into, once it has drawn its charts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { load } from "./modules.mjs";

const STEP_MS = 20_000;
const TEST = { timeout: 120_000 };
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const { TONEUP_URL, OPERATOR_TOKEN, USER_TOKEN, SCREENSHOT } = process.env;

/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  assert.ok(TONEUP_URL && OPERATOR_TOKEN, "TONEUP_URL and OPERATOR_TOKEN are not set");
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  browser = await chromium.launch({ executablePath, args: FLAGS, timeout: 60_000 });
});
after(() => browser?.close());

/**
 * Runs `story` on a fresh page, and holds it to what must be true in every story: no error on the console but those it
 * provokes, nothing that the content security policy had to stop, no request to anybody else.
 *
 * @param {string} name
 * @param {(page: import("playwright-core").Page) => Promise<void>} story
 * @param {{ context?: import("playwright-core").BrowserContextOptions, faults?: RegExp }} [options]
 */
function story(name, story, { context: contextOptions = {}, faults } = {}) {
  test(name, TEST, async () => {
    const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...contextOptions });
    const page = await context.newPage();
    page.setDefaultTimeout(STEP_MS);
    const errors = [];
    const origins = new Set();
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("request", (request) => origins.add(new URL(request.url()).origin));
    await page.addInitScript(() => {
      globalThis.cspViolations = [];
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        globalThis.cspViolations.push(`${violatedDirective} ${blockedURI}`);
      });
    });
    try {
      await page.goto(`${TONEUP_URL}/admin`);
      await story(page);
      assert.deepEqual(errors.filter((error) => !faults?.test(error)), [], "errors on the console");
      assert.deepEqual(await page.evaluate("globalThis.cspViolations"), [], "content security policy");
      assert.deepEqual([...origins], [new URL(TONEUP_URL).origin], "requests to others");
    } finally {
      await context.close();
    }
  });
}

/** @param {import("playwright-core").Page} page @param {string} [token] */
async function signIn(page, token = OPERATOR_TOKEN) {
  await page.getByLabel("Operator token").fill(/** @type {string} */ (token));
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** @param {import("playwright-core").Page} page @param {string} verb */
async function confirm(page, verb) {
  const dialog = page.locator("#confirm");
  await dialog.waitFor({ state: "visible" });
  await dialog.getByRole("button", { name: verb, exact: true }).click();
  await dialog.waitFor({ state: "hidden" });
}

story("a user's token opens nothing", async (page) => {
  await signIn(page, USER_TOKEN);
  await page.getByText("this is for operators").waitFor();
  assert.equal(await page.locator("#board").isVisible(), false);
}, { faults: /403/ });

story("an operator sees the queue, the charts and the replicas", async (page) => {
  await signIn(page);
  await page.getByRole("heading", { name: "Replicas" }).waitFor();
  await page.locator("#replicas").getByText("worker").first().waitFor();
  await page.getByText("broker connected").waitFor();
  for (const chart of ["queue", "throughput", "latency", "analyzers"]) {
    await page.waitForFunction((id) => Number(document.getElementById(id)?.dataset.samples) > 0, `chart-${chart}`);
  }
  // The first sample may be older than the first look at the queue.
  await page.waitForFunction(() => {
    const told = document.querySelector("#chart-queue svg")?.getAttribute("aria-label") ?? "";
    return /^queued \d+, held back \d+, running \d+; \d+ samples$/.test(told);
  });
  // Signed in as long as the tab.
  await page.reload();
  await page.locator("#board").waitFor({ state: "visible" });
  await page.locator("#jobs tbody tr").first().waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Operator token").waitFor();
  // Nothing of it is left behind the form.
  assert.equal(await page.locator("#operator").textContent(), "");
  for (const id of ["tiles", "replicas", "dead", "reports", "jobs", "log", "pills"]) {
    assert.equal(await page.locator(`#${id}`).evaluate((place) => place.childElementCount), 0, id);
  }
  assert.equal(await page.locator("#board :is(polyline, polygon, circle)").count(), 0, "the charts are empty");
});

story("an operator pauses the intake only after confirming, and resumes it", async (page) => {
  await signIn(page);
  await page.getByRole("button", { name: "Pause intake" }).click();
  await confirm(page, "Leave it");
  await page.getByText("Workers take jobs.").waitFor();
  await page.getByRole("button", { name: "Pause intake" }).click();
  await confirm(page, "Pause");
  await page.getByText(/The intake is paused by dana/).waitFor();
  await page.locator("#replicas .badge.paused").waitFor();
  await page.getByRole("button", { name: "Resume intake" }).click();
  await confirm(page, "Resume");
  await page.getByText("Workers take jobs.").waitFor();
  await page.locator("#log").getByText("resume intake").first().waitFor();
});

story("an operator finds a failed job, reads its timeline and has it tried again", async (page) => {
  await signIn(page);
  await page.locator("#search").getByLabel("Code").fill("IMAGE_MISSING");
  await page.locator("#search").getByRole("button", { name: "Search" }).click();
  const rows = page.locator("#jobs tbody tr");
  await page.waitForFunction(() => document.querySelectorAll("#jobs tbody tr").length >= 3);
  await rows.first().getByRole("button").click();
  const job = page.locator("#job");
  await job.locator(".timeline").getByText("failed, attempt 1").waitFor();
  await job.getByRole("button", { name: "Retry" }).click();
  await confirm(page, "Retry");
  await job.locator(".timeline").getByText("replayed").waitFor();
  await job.getByRole("button", { name: "Close" }).click();
  await page.locator("#search").getByLabel("Id").fill("no id");
  await page.locator("#search").getByRole("button", { name: "Search" }).click();
  await page.locator("#notice").waitFor({ state: "visible" });
}, { faults: /422/ });

story("an operator reads what is reported, and decides", async (page) => {
  const post = async (path, token, body) => {
    const headers = { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(`${TONEUP_URL}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    assert.equal(answer.status, 201);
    return answer.json();
  };
  const { userId } = await post("/v1/sessions/guest", null, {});
  await post("/v1/reports", USER_TOKEN, { kind: "user", id: userId, reason: "abuse", description: "<b>insults</b>" });
  await signIn(page);
  const report = page.locator("#reports tbody tr").filter({ hasText: "<b>insults</b>" });
  assert.equal(await report.getByRole("button", { name: "Remove" }).count(), 0, "people are not removed here");
  await report.getByRole("button", { name: "Dismiss" }).click();
  await confirm(page, "Dismiss");
  await page.locator("#reports").getByText("Nothing is reported.").waitFor();
  await page.locator("#log").getByText("close report").waitFor();
});

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  story(`text is legible in ${colorScheme}`, async (page) => {
    await signIn(page);
    await page.locator("#replicas table").waitFor();
    const faint = await page.evaluate(() => {
      const light = (rgb) => {
        const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const parse = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
      };
      const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const color = parse(getComputedStyle(at).backgroundColor);
          if (color[3] === 255) return color;
        }
        return [255, 255, 255, 255];
      };
      const texts = document.querySelectorAll("#board :is(td, th, dt, dd, h2, figcaption, li, p, button:not(:disabled), label, .badge)");
      return [...texts].filter((element) => element.textContent?.trim() && element.checkVisibility()).flatMap((element) => {
        const [a, b] = [parse(getComputedStyle(element).color), ground(element)].map((color) => light(color.slice(0, 3)));
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        return contrast < 4.5 ? [`${element.className || element.tagName} ${contrast.toFixed(2)} ${element.textContent}`] : [];
      });
    });
    assert.deepEqual(faint, []);
    if (SCREENSHOT) await page.screenshot({ path: SCREENSHOT.replace("%", colorScheme) });
  }, { context: { colorScheme } });
}

test("a chart's top is a round number, and a pause in the samples a gap in its line", async () => {
  const { niceCeiling, runs, spanFor } = await load("assets/admin-charts.js");
  assert.deepEqual([0, 300, 301, 5000].map(spanFor), [300, 300, 600, 1800]);
  assert.deepEqual([0, 0.3, 1, 3, 7, 11, 240, 251].map(niceCeiling), [1, 0.5, 1, 5, 10, 15, 250, 500]);
  const samples = [{ at: 0, a: 1 }, { at: 5, a: 2 }, { at: 10, a: null }, { at: 60, a: 3 }];
  assert.deepEqual(runs(samples, "a"), [[[0, 1], [5, 2]], [[60, 3]]]);
});

test("figures have the digits that matter", async () => {
  const { count, rate, span, between } = await load("assets/admin-words.js");
  assert.deepEqual([null, 0, 0.5, 9999, 12_345, 234_567, 2_500_000].map(count), ["–", "0", "0.5", "9999", "12.3 k", "235 k", "2.5 M"]);
  assert.deepEqual([0.123, 4.56, 78.9].map(rate), ["0.12", "4.6", "79"]);
  assert.deepEqual([0.0421, 1.26, 75, 600, 10_000, 200_000].map(span), ["42 ms", "1.3 s", "75 s", "10 min", "3 h", "2 d"]);
  assert.equal(between("2025-01-01T10:00:00Z", "2025-01-01T10:00:02.5Z"), "2.5 s");
});
