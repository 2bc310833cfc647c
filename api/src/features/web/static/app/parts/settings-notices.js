// @ts-check
// What one is told, and when one is not rung.

import { NOTICE_TYPES } from "../../../client/notices.js";
import { idOf } from "../../words.js";
import { el, freshId, show } from "../elements.js";
import { pushRow } from "./push-row.js";
import { loadInto } from "./single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/notices.js").NoticeSettings} NoticeSettings */
/** @typedef {import("../../../client/notices.js").NoticeType} NoticeType */

const NIGHT = { from: "22:00", until: "07:00" };

/** @param {App} app @param {AbortSignal} signal */
export function noticeSection(app, signal) {
  const place = el("div", {});
  void loadInto({ app, signal, place, skeleton: "line", load: (signal) => app.api.notices.getSettings({ signal }), render: (settings) => [form(app, settings)] });
  return el("section", { class: "card settings-part" }, el("h2", { class: "small-title" }, app.say("notices")), pushRow(app), place);
}

/** @param {App} app @param {NoticeSettings} settings */
function form(app, settings) {
  /** Changes one after another: each is sent with all that is set. */
  let stored = settings;
  let line = Promise.resolve(true);
  const store = (/** @type {() => NoticeSettings} */ wanted, /** @type {() => void} */ undo) => {
    line = line.then(async () => {
      const done = await app.attempt(async () => (stored = await app.api.notices.putSettings(wanted())));
      if (!done) undo();
      return done;
    });
  };
  const kinds = NOTICE_TYPES.map((type) => {
    const input = el("input", { type: "checkbox", role: "switch" });
    input.checked = !settings.off.includes(type);
    input.addEventListener("change", () => {
      const on = input.checked;
      const off = () => (on ? stored.off.filter((one) => one !== type) : [...new Set([...stored.off, type])]);
      store(() => ({ ...stored, off: off() }), () => (input.checked = !on));
    });
    return el("li", {}, el("label", { class: "switch" }, el("span", {}, kindName(app, type)), input));
  });
  return el("div", { class: "stack" }, el("ul", { class: "switches" }, kinds), quietPart(app, settings, store, () => stored));
}

/** @param {App} app @param {NoticeType} type */
function kindName(app, type) {
  return app.words.find(idOf("kind", type)) ?? type;
}

/**
 * @param {App} app
 * @param {NoticeSettings} settings
 * @param {(wanted: () => NoticeSettings, undo: () => void) => void} store
 * @param {() => NoticeSettings} stored
 */
function quietPart(app, settings, store, stored) {
  const [fromId, untilId] = [freshId("from"), freshId("until")];
  const on = el("input", { type: "checkbox", role: "switch" });
  const from = el("input", { id: fromId, class: "input", type: "time", required: true });
  const until = el("input", { id: untilId, class: "input", type: "time", required: true });
  const times = el("div", { class: "times" }, el("label", { for: fromId }, app.say("from")), from, el("label", { for: untilId }, app.say("until")), until);
  const set = (/** @type {NoticeSettings["quietHours"]} */ hours) => {
    on.checked = hours !== null;
    from.value = hours?.from ?? NIGHT.from;
    until.value = hours?.until ?? NIGHT.until;
    show(times, hours !== null);
  };
  const changed = () => {
    show(times, on.checked);
    if (!from.value || !until.value) return;
    // The clock of this device, which is where the person is.
    const hours = on.checked ? { from: from.value, until: until.value, utcOffset: -new Date().getTimezoneOffset() } : null;
    store(() => ({ ...stored(), quietHours: hours }), () => set(stored().quietHours));
  };
  for (const input of [on, from, until]) input.addEventListener("change", changed);
  set(settings.quietHours);
  return el("div", { class: "quiet-hours" }, el("label", { class: "switch" }, el("span", {}, app.say("quiet-hours")), on), el("p", { class: "fine" }, app.say("quiet-hours-text")), times);
}
