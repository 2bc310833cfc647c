// @ts-check
// The words of the page that is open, in the language that the server has written it in.

import { Words } from "./words.js";

/** Long enough for a slow line; nothing of the page works before. */
const TIMEOUT_MS = 60_000;

const { lang } = document.documentElement;
const response = await fetch(new URL(`words/${lang}.ftl`, import.meta.url), { signal: AbortSignal.timeout(TIMEOUT_MS) });
if (!response.ok) throw new Error(`the words could not be read: ${response.status}`);

export const words = new Words(lang, await response.text());
