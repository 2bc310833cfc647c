// The page in a real browser where its photo store does not admit it: a server and a store in miniature, on two origins.
//
// CHROMIUM names the browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { folder, pageIn } from "./modules.mjs";
import { openPage } from "./page-tools.mjs";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"];
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".ftl": "text/plain", ".svg": "image/svg+xml" };
const TEST = { timeout: 60_000 };
/** Large enough to be sent in several pieces. */
const PHOTO = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(3_000_000, 7)]);
const RESULT = { personalColor: "AUTUMN", subtype: null, confidence: 0.8, palette: [], warnings: [] };
const ANALYSIS = { id: "01990000-0000-7000-8000-000000000001", status: "succeeded", version: 2, createdAt: "2026-01-01T00:00:00Z", result: RESULT };

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("node:http").Server[]} */
const servers = [];
/** What reached each of the two, as `METHOD path`. @type {{ api: string[], store: string[] }} */
const asked = { api: [], store: [] };
/** @type {{ form: FormData, key: string | undefined }[]} */
const forms = [];
let storeOrigin = "";
let page = "";

/** @param {import("node:http").RequestListener} answer */
async function listen(answer) {
  const server = createServer(answer);
  servers.push(server);
  await new Promise((listening) => server.listen(0, "127.0.0.1", () => listening(undefined)));
  return `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (server.address()).port}`;
}

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
async function answer(request, response) {
  const path = new URL(request.url ?? "/", "http://x").pathname;
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const json = (/** @type {number} */ status, /** @type {unknown} */ body) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  if (!path.startsWith("/v1/")) {
    const file = path === "/" ? "index.html" : path.slice(1);
    const contents = path === "/" ? await pageIn("index.html", "en") : readFileSync(join(folder, file));
    response.writeHead(200, { "content-type": TYPES[extname(file)] }).end(contents);
    return;
  }
  asked.api.push(`${request.method} ${path}`);
  if (path === "/v1/sessions/guest") return json(201, { userId: "u", accessToken: "t", refreshToken: "r", expiresIn: 900 });
  if (path === "/v1/uploads") return json(201, { objectKey: "k", method: "PUT", url: `${storeOrigin}/k`, headers: { "content-type": "image/jpeg" } });
  if (request.method === "POST" && path === "/v1/analyses") {
    const type = request.headers["content-type"] ?? "";
    const form = await new Response(Buffer.concat(chunks), { headers: { "content-type": type } }).formData();
    forms.push({ form, key: request.headers["idempotency-key"]?.toString() });
    return json(202, ANALYSIS);
  }
  return json(200, path === "/v1/analyses" ? { items: [ANALYSIS], nextCursor: null } : { publicKey: null });
}

before(async () => {
  page = await listen((request, response) => void answer(request, response));
  // As S3 without a rule for this origin: no CORS headers, whatever is asked.
  storeOrigin = await listen((request, response) => {
    asked.store.push(`${request.method} ${request.url}`);
    request.resume().on("end", () => response.writeHead(request.method === "OPTIONS" ? 403 : 200).end());
  });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS, timeout: 60_000 });
});

after(async () => {
  await browser?.close();
  for (const server of servers) server.close();
});

test("the page works from an origin that the photo store does not admit", TEST, async () => {
  const tab = await browser.newPage();
  try {
    await openPage(tab, `${page}/`);
    await tab.setInputFiles("#photo-input", { name: "me.jpg", mimeType: "image/jpeg", buffer: PHOTO });
    await tab.getByRole("button", { name: "Find my season" }).click();
    const title = tab.locator("#result-title");
    await title.waitFor({ timeout: 20_000 });
    assert.equal(await title.textContent(), "Autumn");
  } finally {
    await tab.close();
  }
  assert.deepEqual(asked.store, ["OPTIONS /k"], "the store was asked, and did not admit it");
  assert.equal(forms.length, 1);
  assert.match(forms[0].key ?? "", /^[0-9a-f-]{36}$/);
  const sent = /** @type {File} */ (forms[0].form.get("image"));
  assert.ok(Buffer.from(await sent.arrayBuffer()).equals(PHOTO), "byte for byte");
});

test("in a browser the client says how much of the form is sent, and gives back what its callback throws", TEST, async () => {
  const tab = await browser.newPage();
  try {
    await tab.goto(`${page}/`);
    const seen = await tab.evaluate(async () => {
      const { ToneUp } = await import("/client/index.js");
      const photo = new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xe0]), new Uint8Array(3_000_000)]);
      const told = [];
      const { status } = await new ToneUp().submit(photo, { onProgress: (fraction) => told.push(fraction) });
      const thrown = new Error("the caller's own");
      const failing = () => {
        throw thrown;
      };
      const caught = await new ToneUp().submit(photo, { onProgress: failing }).catch((error) => error === thrown);
      return { status, told, caught };
    });
    assert.equal(seen.status, "succeeded");
    assert.equal(seen.caught, true);
    assert.equal(seen.told.at(-1), 1);
    assert.deepEqual(seen.told, [...seen.told].sort((a, b) => a - b));
  } finally {
    await tab.close();
  }
});

test("a photo that goes neither way says so, with both reasons", TEST, async () => {
  const tab = await browser.newPage();
  try {
    await tab.goto(`${page}/`);
    await tab.route(`${page}/v1/analyses`, (route) => route.fulfill({ status: 413, body: "{}" }));
    const error = await tab.evaluate(async () => {
      const { ToneUp } = await import("/client/index.js");
      const photo = new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xe0])]);
      return new ToneUp().submit(photo).catch(({ code, status, message }) => ({ code, status, message }));
    });
    assert.deepEqual([error.code, error.status], ["http_413", 413]);
    assert.ok(error.message.includes(storeOrigin) && error.message.includes(`pages of ${page} (CORS)`), error.message);
    assert.match(error.message, /form of POST \/v1\/analyses/);
  } finally {
    await tab.close();
  }
});
