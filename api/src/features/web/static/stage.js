// @ts-check
// The card in which a photo is chosen, sent and waited for.

import { byId, fillPortrait, focusOn, icon, make, show } from "./dom.js";
import { words } from "./page-words.js";

/** @typedef {"choose" | "ready" | "working" | "problem"} Panel */
/** @typedef {"upload" | "queued" | "running" | "done"} Step */
/** @typedef {import("./advice.js").Advice} Advice */
/** @typedef {{ url: string, name: string }} Thumbnail */

const PANELS = /** @type {const} */ (["choose", "ready", "working", "problem"]);
const STEPS = ["upload", "queued", "running", "done"];

export class Stage {
  #title = byId("working-title");
  #detail = byId("working-detail");
  /** @type {HTMLProgressElement} */
  #progress = byId("upload-progress");
  #announce;
  #onRemove;

  /**
   * @param {object} options
   * @param {(text: string) => void} options.announce says something to a screen reader
   * @param {(index: number) => void} options.onRemove takes a photo out of those in hand
   * @param {() => void} options.onSubmit
   * @param {() => void} options.onCancel
   * @param {() => void} options.onRetry
   */
  constructor({ announce, onRemove, onSubmit, onCancel, onRetry }) {
    this.#announce = announce;
    this.#onRemove = onRemove;
    byId("submit").addEventListener("click", onSubmit);
    byId("cancel-upload").addEventListener("click", onCancel);
    byId("problem-retry").addEventListener("click", onRetry);
  }

  /** The panel that is showing. @type {Panel} */
  panel = "choose";

  /** @param {string | null} url of the photo for all round frames; null for the outline of a head */
  setPhoto(url) {
    for (const frame of document.querySelectorAll("[data-portrait]")) {
      fillPortrait(/** @type {HTMLElement} */ (frame), url);
    }
  }

  showChoose() {
    this.#show("choose");
  }

  /**
   * Shows the photos in hand, ready to be sent.
   *
   * @param {Thumbnail[]} photos at least one
   * @param {{ text: string, full: boolean, say?: string }} options `full`: no other may be added; `say`: what has just happened
   */
  showReady(photos, { text, full, say = words.say("photo-chosen", { photo: text }) }) {
    byId("ready-file").textContent = text;
    byId("ready-photos").replaceChildren(...photos.map((photo, at) => this.#thumbnail(photo, at)));
    show(byId("ready-photos"), photos.length > 1);
    show(byId("add-photo"), !full);
    show(byId("add-photo-hint"), !full);
    this.#show("ready");
    this.#announce(say);
    focusOn(byId("submit"));
  }

  /** @param {Thumbnail} photo @param {number} at */
  #thumbnail({ url, name }, at) {
    const frame = make("span", { class: "photo-thumb", "aria-hidden": "true" });
    fillPortrait(frame, url);
    const label = words.say("remove-photo", { number: at + 1, name });
    const remove = make("button", { type: "button", class: "icon-button", "aria-label": label, title: label }, icon("icon-close"));
    remove.addEventListener("click", () => this.#onRemove(at));
    return make("li", {}, frame, remove);
  }

  /**
   * Says where the photo is on its way.
   *
   * @param {Step} step
   * @param {{ title: string, detail: string, say?: boolean }} words `say`: also to the screen reader
   */
  showWorking(step, { title, detail, say = true }) {
    const arriving = this.panel !== "working";
    this.#show("working");
    if (this.#title.textContent !== title) this.#title.textContent = title;
    if (this.#detail.textContent !== detail) this.#detail.textContent = detail;
    const reached = STEPS.indexOf(step);
    for (const item of document.querySelectorAll("[data-step]")) {
      const at = STEPS.indexOf(item.getAttribute("data-step") ?? "");
      item.classList.toggle("passed", at < reached);
      if (at === reached) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    show(this.#progress, step === "upload");
    show(byId("cancel-upload"), step === "upload");
    if (arriving) focusOn(this.#title);
    if (say) this.#announce(detail ? `${title}. ${detail}` : title);
  }

  /** @param {number} fraction of the photo that has been sent */
  setUploaded(fraction) {
    this.#progress.value = Math.round(fraction * 100);
  }

  /**
   * @param {Advice} advice
   * @param {{ canRetry: boolean, reference?: string }} options `canRetry`: the photo is still at hand
   */
  showProblem(advice, { canRetry, reference }) {
    const retry = canRetry && advice.next === "retry";
    byId("problem-title").textContent = advice.title;
    byId("problem-advice").textContent = advice.advice;
    byId("problem-advice").lang = advice.language ?? words.language;
    show(byId("problem-retry"), retry);
    byId("problem-choose").classList.toggle("primary", !retry);
    byId("problem-reference").textContent = reference ? words.say("problem-reference", { reference }) : "";
    show(byId("problem-reference"), Boolean(reference));
    this.#show("problem");
    this.#announce(`${advice.title}. ${advice.advice}`);
    focusOn(byId("problem-title"));
  }

  /** @param {Panel} panel */
  #show(panel) {
    this.panel = panel;
    for (const name of PANELS) show(byId(`panel-${name}`), name === panel);
    document.body.dataset.panel = panel;
  }
}
