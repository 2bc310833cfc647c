// @ts-check
// The words of the page that is open, in the language that the server has written it in.

import { Words } from "./words.js";

const { lang } = document.documentElement;
const response = await fetch(new URL(`words/${lang}.ftl`, import.meta.url));
if (!response.ok) throw new Error(`the words could not be read: ${response.status}`);

export const words = new Words(lang, await response.text());
