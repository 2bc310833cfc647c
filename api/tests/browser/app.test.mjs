// The product's page in a real browser: people post, find each other, like and comment, by mouse, keyboard and input method.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, compose, FACE, post, TEST, visit } from "./visitors.mjs";

test("two people meet: a post, a follow, a like and a comment, seen at once by the other", TEST, async () => {
  const mina = await visit({ nickname: "Mina" });
  const haru = await visit({ nickname: "Haru" });
  const id = await post(mina, "A coral jumper in the first sun", "A coral jumper by a window");

  await haru.open("/feed/discover");
  const card = haru.page.locator(".post", { hasText: "A coral jumper in the first sun" });
  await card.waitFor();
  assert.equal(await card.locator(".strip img").getAttribute("alt"), "A coral jumper by a window");
  const heart = card.getByRole("button", { name: /^Like/ });
  await heart.click();
  assert.equal(await heart.getAttribute("aria-pressed"), "true");
  // Mina looks at her post: the like shows by itself.
  await mina.page.locator(".like .count", { hasText: "1" }).waitFor();

  await card.getByRole("link", { name: "Mina" }).click();
  await haru.page.getByRole("button", { name: "Follow", exact: true }).click();
  await haru.page.getByRole("button", { name: "Following", exact: true }).waitFor();
  await haru.open("/feed");
  await haru.page.locator(".post", { hasText: "A coral jumper" }).getByRole("link", { name: /comment/ }).click();
  await haru.page.getByLabel("Write a comment").fill("So much your season");
  await haru.page.getByRole("button", { name: "Send" }).click();
  await haru.page.locator(".comment", { hasText: "So much your season" }).waitFor();
  await mina.page.locator(".comment", { hasText: "So much your season" }).waitFor();

  await mina.page.locator(".comment").getByRole("button", { name: "Reply", exact: true }).click();
  await mina.page.getByLabel("Write a comment").fill("Thank you!");
  await mina.page.getByRole("button", { name: "Send" }).click();
  await mina.page.locator(".replies .comment", { hasText: "Thank you!" }).waitFor();

  // What Haru did is in the list, and leads there.
  await mina.page.getByRole("link", { name: /Notices, \d+ unread/ }).click();
  await mina.page.getByText("Haru follows you").waitFor();
  await mina.page.getByRole("link", { name: /Haru commented on your post/ }).click();
  await mina.page.waitForURL((url) => url.hash === `#/post/${id}`);
  await mina.leave();
  await haru.leave();
});

test("a like that the server refuses is taken back, and said so", TEST, async () => {
  const writer = await visit({ nickname: "Writer" });
  await post(writer, "Something to like");
  const reader = await visit({ path: "/feed/discover", faults: /status of 404/ });
  const card = reader.page.locator(".post", { hasText: "Something to like" });
  await card.waitFor();
  await writer.page.getByRole("button", { name: "More actions" }).first().click();
  await writer.page.getByRole("button", { name: "Delete" }).click();
  await writer.page.getByRole("dialog", { name: "Delete this post?" }).getByRole("button", { name: "Delete" }).click();
  await writer.page.waitForURL((url) => url.hash === "#/feed");
  const heart = card.getByRole("button", { name: /^Like/ });
  await heart.click();
  await reader.page.getByText("This is not here any more.").waitFor();
  assert.equal(await heart.getAttribute("aria-pressed"), "false");
  await writer.leave();
  await reader.leave();
});

test("a post is written by keyboard alone, its picture cropped and described", TEST, async () => {
  const { page, leave } = await visit({ nickname: "Keys", path: "/compose" });
  await page.getByRole("heading", { name: "New post" }).waitFor();
  const reach = async (/** @type {RegExp} */ name) => {
    for (let presses = 0; presses < 40; presses += 1) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        return element?.getAttribute("aria-label") || element?.getAttribute("placeholder") || element?.closest("label")?.textContent || element?.textContent || "";
      });
      if (name.test(focused.trim())) return;
    }
    assert.fail(`no way to ${name} by the keyboard`);
  };
  await reach(/^Add pictures$/);
  // On a busy machine the browser may take a key for too old to open a dialog.
  let chooser = null;
  for (let tries = 0; !chooser && tries < 4; tries += 1) {
    const choosing = page.waitForEvent("filechooser", { timeout: 5000 }).catch(() => null);
    await page.keyboard.press("Enter");
    chooser = await choosing;
  }
  assert.ok(chooser, "Enter opens the choice of files");
  await chooser.setFiles(FACE);
  await page.getByLabel("Description of picture 1").waitFor();
  await page.getByRole("heading", { name: "New post" }).focus();
  await reach(/^Crop$/);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Crop" });
  await dialog.waitFor();
  await reach(/^Original$/);
  await page.keyboard.press("ArrowRight");
  assert.ok(await dialog.getByLabel("Square").isChecked());
  await reach(/^Done$/);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await page.getByRole("heading", { name: "New post" }).focus();
  await reach(/^Description of picture 1$/);
  await page.keyboard.type("A face in daylight");
  await reach(/^What suits you today/);
  await page.keyboard.type("Without a mouse");
  await reach(/^Post$/);
  await page.keyboard.press("Enter");
  const image = page.locator(".post .strip img");
  await image.waitFor();
  assert.equal(await image.getAttribute("alt"), "A face in daylight");
  assert.equal(await image.getAttribute("width"), await image.getAttribute("height"), "a square");
  await leave();
});

test("what is missing from a post is said before anything is sent", TEST, async () => {
  const { page, leave } = await visit({ path: "/compose" });
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await page.getByRole("alert").getByText("Add at least one picture.").waitFor();
  await page.setInputFiles(".composer input[type=file]", FACE);
  await page.getByLabel("Description of picture 1").waitFor();
  await page.getByRole("button", { name: "Post", exact: true }).click();
  await page.getByRole("alert").getByText("Write something.").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "TEXTAREA");
  await leave();
});

test("whoever comes back finds the pages that were loaded, and the place in them", TEST, async () => {
  const writer = await visit({ nickname: "Many" });
  const upload = async () => {
    const bytes = await writer.page.evaluate(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 64 });
      canvas.getContext("2d")?.fillRect(0, 0, 64, 64);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg"));
      return [...new Uint8Array(await blob.arrayBuffer())];
    });
    const place = await writer.call("POST", "/v1/uploads", { contentType: "image/jpeg", contentLength: bytes.length });
    await fetch(place.url, { method: place.method, headers: place.headers, body: new Uint8Array(bytes) });
    return place.objectKey;
  };
  for (let at = 0; at < 14; at += 1) {
    await writer.call("POST", "/v1/posts", { text: `Post number ${at}`, pictures: [{ objectKey: await upload() }] });
  }
  const unready = async () => (await writer.call("GET", "/v1/me/posts?limit=50")).items.filter(({ state }) => state !== "ready").length;
  while ((await unready()) > 0) await writer.page.waitForTimeout(200);
  const reader = await visit({ path: "/feed/discover" });
  await reader.page.locator(".post", { hasText: "Post number 12" }).waitFor();
  const third = reader.page.locator(".post", { hasText: "Post number 2" });
  while (!(await third.count())) await reader.page.mouse.wheel(0, 3000).then(() => reader.page.waitForTimeout(100));
  await third.scrollIntoViewIfNeeded();
  const before = await reader.page.evaluate(() => [scrollY, document.querySelectorAll(".post").length]);
  await third.getByRole("link", { name: /comment/ }).click();
  await reader.page.getByRole("heading", { name: "Comments", exact: true }).waitFor();
  await reader.page.goBack();
  await third.waitFor();
  assert.deepEqual(await reader.page.evaluate(() => [scrollY, document.querySelectorAll(".post").length]), before);
  await writer.leave();
  await reader.leave();
});

test("the diary is kept in Korean, and nobody else sees it", TEST, async () => {
  const { page, leave } = await visit({ path: "/compose?diary", context: { locale: "ko-KR" } });
  await page.getByRole("heading", { name: "새 글" }).waitFor();
  await page.setInputFiles(".composer input[type=file]", FACE);
  await page.getByLabel("제목").focus();
  await compose(page, [["ㅂ", "보", "봄"], ["ㄴ", "나", "날"]]);
  await page.getByLabel("내용").fill("코랄 니트");
  await page.getByRole("button", { name: "일기에 남기기" }).click();
  await page.locator(".strip img").waitFor();
  await page.getByRole("heading", { name: "봄날" }).waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ko");
  await page.evaluate(() => (location.hash = "/feed/discover"));
  await page.getByRole("heading", { name: "새로운 글" }).waitFor();
  assert.equal(await page.getByText("코랄 니트").count(), 0);
  await leave();
});

test("every view is open to everybody", TEST, async () => {
  const { page, open, id, leave } = await visit({ nickname: "Views", context: { colorScheme: "light" } });
  const own = await post({ page, open }, "For a look around", "A face");
  const views = ["/feed", "/feed/discover", "/feed/ranking", `/post/${own}`, "/compose", "/compose?diary", "/diary", "/chat", "/notices", "/settings", "/search", "/me", `/people/${id}/followers`];
  for (const scheme of /** @type {const} */ (["light", "dark"])) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const view of views) {
      await open(view);
      await page.locator("main h1").first().waitFor();
      await page.waitForFunction(() => !document.querySelector("main [aria-busy=true], main .skeleton"));
      await assertAccessible(page, `${view}, ${scheme}`);
    }
  }
  await leave();
});

test("what one is told is set, and stays set", TEST, async () => {
  const { page, leave } = await visit({ path: "/settings" });
  const stored = () => page.waitForResponse((response) => response.url().endsWith("/v1/notification-settings") && response.request().method() === "PUT");
  for (const press of [() => page.getByLabel("Likes of your posts").uncheck(), () => page.getByLabel("Quiet hours").check()]) await Promise.all([stored(), press()]);
  await page.reload();
  await page.getByLabel("Quiet hours").waitFor();
  assert.ok(await page.getByLabel("Quiet hours").isChecked());
  assert.ok(!(await page.getByLabel("Likes of your posts").isChecked()));
  assert.equal(await page.getByLabel("From").inputValue(), "22:00");
  await leave();
});

test("without a network the page opens, and says so", TEST, async () => {
  const { page, context, leave } = await visit({ faults: /net::ERR|Failed to load|Failed to fetch/ });
  await page.evaluate(() => navigator.serviceWorker.ready.then(({ active }) => new Promise((resolve) => (active?.state === "activated" ? resolve(0) : active?.addEventListener("statechange", resolve)))));
  await context.setOffline(true);
  await page.reload();
  await page.getByText("You are offline. What you see may be old.").first().waitFor();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  await context.setOffline(false);
  await page.getByText("Nothing here yet").waitFor();
  await page.getByText("You are offline.").waitFor({ state: "hidden" });
  await leave();
});

test("a slow phone shows something soon, and loads little for it", TEST, async () => {
  const { page, leave } = await visit({ path: "/shop", context: { viewport: { width: 390, height: 844 } } });
  const phone = await page.context().newCDPSession(page);
  // Lighthouse's slow 4G: 150 ms to the server and back, 1.6 Mbit/s. A slower processor would measure this machine's load.
  await phone.send("Network.enable");
  await phone.send("Network.clearBrowserCache");
  await phone.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 });
  await phone.send("Network.setBypassServiceWorker", { bypass: true });
  await page.reload();
  await page.getByRole("navigation").first().waitFor();
  const { painted, bytes, rounds } = await page.evaluate(() => {
    const paint = performance.getEntriesByName("first-contentful-paint")[0];
    const loaded = /** @type {PerformanceResourceTiming[]} */ (performance.getEntries().filter((entry) => "transferSize" in entry));
    const before = loaded.filter((entry) => entry.startTime < paint.startTime);
    return {
      painted: paint.startTime,
      bytes: before.reduce((sum, entry) => sum + entry.transferSize, 0),
      rounds: before.length,
    };
  });
  assert.ok(bytes > 0 && bytes < 120_000, `${bytes} bytes in ${rounds} requests before the first paint`);
  assert.ok(painted < 4_000, `painted after ${painted} ms`);
  await phone.detach();
  await leave();
});
