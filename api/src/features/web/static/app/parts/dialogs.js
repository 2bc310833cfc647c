// @ts-check
// Dialogs: a choice of actions, a question, a report. The browser keeps the focus in them and gives it back.

import { idOf } from "../../words.js";
import { button, el, freshId } from "../elements.js";

/** @typedef {import("../app.js").App} App */

/**
 * Opens a dialog.
 *
 * @param {App} app
 * @param {string} title
 * @param {(close: () => void) => (Node | string | null)[]} content
 * @param {{ className?: string, onClose?: () => void }} [options]
 */
export function openDialog(app, title, content, { className = "", onClose } = {}) {
  const id = freshId("dialog");
  const dialog = el("dialog", { class: `dialog ${className}`, "aria-labelledby": id });
  const close = () => dialog.close();
  const top = el("div", { class: "dialog-head" }, el("h2", { id, class: "dialog-title" }, title), button(app.say("close"), close, { icon: "icon-close", iconOnly: true }));
  dialog.append(top, ...content(close).filter((child) => child !== null));
  dialog.addEventListener("click", (event) => event.target === dialog && close());
  dialog.addEventListener("close", () => (dialog.remove(), onClose?.()));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Offers actions.
 *
 * @param {App} app
 * @param {string} title
 * @param {({ label: string, press: () => unknown, isDangerous?: boolean } | null)[]} actions
 */
export function openMenu(app, title, actions) {
  openDialog(app, title, (close) => {
    const entries = actions.flatMap((action) => {
      if (!action) return [];
      const className = action.isDangerous ? "menu-entry danger" : "menu-entry";
      return [el("li", {}, button(action.label, () => (close(), action.press()), { class: className }))];
    });
    return [el("ul", { class: "menu" }, entries)];
  }, { className: "sheet" });
}

/**
 * Asks before something that cannot be undone.
 *
 * @param {App} app
 * @param {{ title: string, text: string, label: string }} question
 * @param {() => Promise<unknown>} work
 */
export function confirm(app, { title, text, label }, work) {
  openDialog(app, title, (close) => [
    el("p", {}, text),
    el(
      "div",
      { class: "dialog-actions" },
      button(app.say("cancel"), close),
      button(label, () => (close(), void app.attempt(work)), { class: "button danger" }),
    ),
  ]);
}

/** Reasons to report something. */
const REASONS = /** @type {const} */ (["spam", "abuse", "nudity", "violence", "fraud", "copyright", "other"]);

/**
 * Reports something to the operators.
 *
 * @param {App} app
 * @param {(reason: typeof REASONS[number], description: string | undefined) => Promise<unknown>} send
 */
export function openReport(app, send) {
  openDialog(app, app.say("report-title"), (close) => {
    const name = freshId("reason");
    const choices = REASONS.map((reason) =>
      el(
        "label",
        { class: "choice" },
        el("input", { type: "radio", name, value: reason, required: true }),
        app.words.find(idOf("reason", reason)) ?? reason,
      ),
    );
    const description = el("textarea", { rows: 3, maxlength: 500, class: "input" });
    const form = el(
      "form",
      { class: "stack" },
      el("fieldset", { class: "choices" }, el("legend", {}, app.say("report-why")), choices),
      el("label", { class: "field" }, app.say("report-more"), description),
      el("div", { class: "dialog-actions" }, el("button", { type: "submit", class: "button primary" }, app.say("report"))),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const reason = /** @type {typeof REASONS[number]} */ (new FormData(form).get(name));
      close();
      void app.attempt(async () => {
        await send(reason, description.value.trim() || undefined);
        app.toast(app.say("reported"));
      });
    });
    return [form];
  });
}
