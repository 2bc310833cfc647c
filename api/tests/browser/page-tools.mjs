// What tests do with any page in a browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const AXE = readFileSync(fileURLToPath(new URL("node_modules/axe-core/axe.min.js", import.meta.url)), "utf8");

/**
 * Opens the page of the analysis, and waits until its scripts have the words and have begun: the page is loaded before.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} address
 */
export async function openPage(page, address) {
  await page.goto(address);
  await begun(page);
}

/** @param {import("playwright-core").Page} page */
export async function begun(page) {
  await page.locator("#season-list li").first().waitFor({ state: "attached" });
}

/**
 * Fails on every breach of the accessibility rules, however small.
 *
 * @param {import("playwright-core").Page} page
 * @param {string} where
 */
export async function assertAccessible(page, where) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => /** @type {any} */ (globalThis).axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 200)).join(" | ")}`);
  assert.deepEqual(told, [], where);
}
