// Loads the page's modules into Node. They lie without a package.json, because everything in their folder is served;
// Node wants one to take `.js` for a module, so it gets copies.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const source = fileURLToPath(new URL("../../src/web/static/", import.meta.url));
const copy = mkdtempSync(join(tmpdir(), "toneup-page-"));
cpSync(source, copy, { recursive: true });
writeFileSync(join(copy, "package.json"), '{"type":"module"}');
process.on("exit", () => rmSync(copy, { recursive: true, force: true }));

/** @param {string} name */
export function load(name) {
  return import(pathToFileURL(join(copy, name)).href);
}
