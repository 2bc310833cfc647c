// The profile in a real browser, in English and in Korean: what a person says of themselves, shows, takes along, deletes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { begun, openPage } from "./page-tools.mjs";

const PHOTOS = process.env.PHOTOS_DIR ?? fileURLToPath(new URL("../../../.local/photos/", import.meta.url));
const FACE = join(PHOTOS, "face.jpg");
const STEP_MS = 15_000;
const TEST = { timeout: 90_000 };
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
 * Runs `story` on the page of a fresh visitor, and holds it to silence on the console and to the security policy.
 *
 * @param {string} name
 * @param {string} locale
 * @param {(page: import("playwright-core").Page) => Promise<void>} story
 * @param {RegExp} [expected] what the console may say
 */
function story(name, locale, story, expected = /^$/) {
  test(name, TEST, async () => {
    const context = await browser.newContext({ reducedMotion: "reduce", locale, acceptDownloads: true });
    context.setDefaultTimeout(STEP_MS);
    const errors = [];
    context.on("console", (message) => /error|Content.Security/i.test(message.type() + message.text()) && !expected.test(message.text()) && errors.push(message.text()));
    context.on("weberror", (error) => errors.push(String(error.error())));
    try {
      const page = await context.newPage();
      await openPage(page, `${base}/`);
      await story(page);
      assert.deepEqual(errors, []);
    } finally {
      await context.close();
    }
  });
}

/** Waits until the dialog says a text. @param {import("playwright-core").Page} page @param {string} text */
async function told(page, text) {
  await page.getByRole("dialog").getByText(text, { exact: true }).waitFor();
}

story("a person names themselves, and finds it again after a reload", "en-GB", async (page) => {
  await page.getByRole("button", { name: "Profile" }).click();
  const dialog = page.getByRole("dialog", { name: "Your profile" });
  const nickname = dialog.getByLabel("Nickname");
  await dialog.getByText("No season yet: find it with a selfie").waitFor();
  assert.match(await nickname.inputValue(), /^user/);
  await nickname.fill("Browser1");
  await dialog.getByLabel("About you").fill("hello\nthere");
  await dialog.getByRole("button", { name: "Save" }).click();
  await told(page, "Saved");
  await dialog.getByRole("button", { name: "Close" }).click();
  await page.reload();
  await begun(page);
  await page.getByRole("button", { name: "Profile" }).click();
  await page.waitForFunction(() => /** @type {any} */ (document.getElementById("profile-nickname")).value === "Browser1");
  assert.equal(await dialog.getByLabel("About you").inputValue(), "hello\nthere");
});

story(
  "a nickname that is another's, or none, is refused in Korean",
  "ko-KR",
  async (page) => {
    await page.getByRole("button", { name: "프로필" }).click();
    const dialog = page.getByRole("dialog", { name: "내 프로필" });
    assert.equal(await page.locator("html").getAttribute("lang"), "ko");
    for (const [nickname, text] of [
      ["bROWSER1", "이미 사용 중인 닉네임이에요."],
      ["a b", "닉네임은 2~20자의 글자와 숫자예요."],
      ["봄웜브라우저", "저장했어요"],
    ]) {
      await dialog.getByLabel("닉네임").fill(nickname);
      await dialog.getByRole("button", { name: "저장" }).click();
      await told(page, text);
    }
  },
  /status of 4(09|22)/,
);

story("a picture is shown once it is ready, and everything goes when it is asked to", "en-GB", async (page) => {
  await page.getByRole("button", { name: "Profile" }).click();
  const dialog = page.getByRole("dialog", { name: "Your profile" });
  await dialog.getByText("No season yet").waitFor();
  await page.setInputFiles("#profile-file", FACE);
  await told(page, "This is your picture now");
  const shown = await page.waitForFunction(() => {
    const image = document.querySelector("#profile-picture img");
    return image instanceof HTMLImageElement && image.complete && image.naturalWidth;
  });
  assert.ok(Number(await shown.jsonValue()) <= 640);

  const downloading = page.waitForEvent("download");
  await dialog.getByRole("button", { name: "Download my data" }).click();
  const kept = JSON.parse(await readFile(await (await downloading).path(), "utf8"));
  assert.equal(kept.pictures.length, 1);
  await told(page, "Your data are in the downloaded file");

  await dialog.getByRole("button", { name: "Remove it" }).click();
  await told(page, "The picture is removed");

  await dialog.getByRole("button", { name: "Delete everything" }).click();
  await dialog.getByRole("button", { name: "Really delete everything? Press once more" }).click();
  await told(page, "Everything is deleted");
  assert.equal(await page.evaluate(() => localStorage.getItem("toneup.session")), null);
  await page.reload();
  await begun(page);
  await page.getByRole("button", { name: "Profile" }).click();
  await page.waitForFunction(() => /^user/.test(/** @type {any} */ (document.getElementById("profile-nickname")).value));
});
