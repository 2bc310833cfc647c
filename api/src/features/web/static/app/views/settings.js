// @ts-check
// What one says of oneself, what one is told, with what one signs in, whom one does not want to see.

import { el, heading } from "../elements.js";
import { noticeSection } from "../parts/settings-notices.js";
import { profileSection } from "../parts/settings-profile.js";
import { signInSection } from "../parts/settings-sign-in.js";
import { view } from "../parts/single.js";

/** @type {import("../app.js").MakeView} */
export default function makeSettings(app, params, signal) {
  const title = app.say("settings");
  const people = el(
    "section",
    { class: "card settings-part" },
    el("h2", { class: "small-title" }, app.say("people")),
    el("ul", { class: "settings-links" }, el("li", {}, el("a", { href: "#/people/me/blocks" }, app.say("blocked"))), el("li", {}, el("a", { href: "#/people/me/mutes" }, app.say("muted-people")))),
  );
  const data = el("section", { class: "card settings-part" }, el("h2", { class: "small-title" }, app.say("your-data")), el("p", {}, app.say("your-data-text")), el("a", { class: "button", href: "/" }, app.say("to-analysis")));
  return { element: view("settings-view", heading(title), profileSection(app, signal), noticeSection(app, signal), signInSection(app, signal), people, data), title };
}
