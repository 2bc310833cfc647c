// The shop in a real browser: what is recommended, hearts, filters, and Korean that is searched for while it is typed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAccessible, compose, TEST, visit } from "./visitors.mjs";

test("a heart stays, and the lists know it", TEST, async () => {
  const { page, open, leave } = await visit({ path: "/shop", faults: /404 \(Not Found\)/ });
  const cards = page.locator(".products .product");
  await cards.nth(23).waitFor();
  await assertAccessible(page, "the shop");
  const heart = cards.first().getByRole("button", { name: /^Like/ });
  assert.equal(await heart.getAttribute("aria-pressed"), "false");
  const answered = page.waitForResponse((response) => /\/like$/.test(response.url()) && response.request().method() === "PUT");
  await heart.click();
  assert.equal(await heart.getAttribute("aria-pressed"), "true", "at once");
  assert.equal((await answered).status(), 200);

  await cards.first().getByRole("link").click();
  const whole = page.locator(".product-whole");
  await whole.getByRole("button", { name: /^Like.*1 like$/ }).waitFor();
  assert.equal(await whole.getByRole("button", { name: /^Like/ }).getAttribute("aria-pressed"), "true");
  await page.locator(".similar .product").first().waitFor();
  await assertAccessible(page, "a product");
  assert.match((await whole.getByRole("link", { name: "To the shop" }).getAttribute("rel")) ?? "", /noopener/);
  await whole.getByRole("button", { name: /^Like/ }).click();
  await whole.getByRole("button", { name: /^Like.*0 likes$/ }).waitFor();

  await open("/product/4000");
  await page.getByText("This is not here any more.").first().waitFor();
  await leave();
});

test("half a syllable is suggested for; Enter that ends one searches for nothing yet", TEST, async () => {
  const { page, context, leave } = await visit({ path: "/shop" });
  await page.locator(".products .product").first().waitFor();
  const box = page.getByRole("combobox", { name: "Search products" });
  await box.focus();
  const keyboard = await context.newCDPSession(page);
  await keyboard.send("Input.imeSetComposition", { text: "니", selectionStart: 1, selectionEnd: 1 });
  const options = page.getByRole("option");
  await options.filter({ hasText: "니트" }).first().waitFor();
  assert.equal(await box.getAttribute("aria-expanded"), "true");
  await assertAccessible(page, "suggestions");
  await keyboard.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key: "Enter", code: "Enter", windowsVirtualKeyCode: 229 });
  assert.equal(await options.first().isVisible(), true, "the list stays");
  await keyboard.detach();
  await compose(page, [["ㄴ", "니"], ["ㅌ", "트"]]);
  await box.press("Enter");
  await page.getByRole("status").filter({ hasText: /^\d+ products?$/ }).waitFor();
  await page.locator(".product mark", { hasText: "니트" }).first().waitFor();

  await box.fill("니");
  await options.first().waitFor();
  await box.press("ArrowDown");
  const chosen = page.locator("[role=option][aria-selected=true]");
  assert.equal(await box.getAttribute("aria-activedescendant"), await chosen.getAttribute("id"));
  const text = (await chosen.textContent()) ?? "";
  await box.press("Enter");
  assert.equal(await box.inputValue(), text);
  await options.first().waitFor({ state: "hidden" });
  await box.fill("q전혀없는말");
  await page.getByText("Nothing found").waitFor();
  await leave();
});

test("filters narrow what is recommended, and say so when nothing is left", TEST, async () => {
  const { page, leave } = await visit({ path: "/shop" });
  await page.locator(".products .product").first().waitFor();
  const chip = (/** @type {string | RegExp} */ name) => page.getByRole("group", { name: "Filters" }).getByRole("button", { name });
  const answered = page.waitForResponse((response) => response.url().includes("priceTo=30000"));
  await chip(/30,000/).click();
  assert.equal((await answered).status(), 200);
  assert.equal(await chip(/30,000/).getAttribute("aria-pressed"), "true");
  await page.waitForFunction(() => {
    const prices = [...document.querySelectorAll(".products .product-price")].map((price) => Number((price.textContent ?? "").replace(/\D/g, "")));
    return prices.length > 0 && prices.every((price) => price <= 30_000);
  });
  await chip(/30,000/).click();
  assert.equal(await chip(/30,000/).getAttribute("aria-pressed"), "false");
  await chip("Spring").click();
  await page.waitForFunction(() => [...document.querySelectorAll(".products .product-why")].length > 0);
  await leave();
});
