// Loads the page's modules into Node. They lie without a package.json, because everything in their folder is served;
// Node wants one to take `.js` for a module, so it gets copies.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));
/** Where the copies lie. */
export const folder = mkdtempSync(join(tmpdir(), "toneup-page-"));
// As they are served: the page's own under /assets/, the client's beside them.
cpSync(path("../../src/features/web/static/"), join(folder, "assets"), { recursive: true });
cpSync(path("../../../clients/js/src/"), join(folder, "client"), { recursive: true });
writeFileSync(join(folder, "package.json"), '{"type":"module"}');
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** @param {string} path as it is served */
export function load(path) {
  return import(pathToFileURL(join(folder, path)).href);
}

/** The catalogue's file of a language. @param {string} language */
export function catalogue(language) {
  return readFileSync(join(folder, `assets/words/${language}.ftl`), "utf8");
}

/** The words of a language, without a page. @param {string} language */
export async function wordsOf(language) {
  const { Words } = await load("assets/words.js");
  return new Words(language, catalogue(language));
}

/** A page as the server writes it in a language. @param {string} name @param {string} language */
export async function pageIn(name, language) {
  const words = await wordsOf(language);
  return readFileSync(join(folder, "assets", name), "utf8").replace(/\{\{([a-z-]+)\}\}/g, (_, id) => words.say(id));
}
