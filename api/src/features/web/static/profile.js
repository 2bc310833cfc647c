// @ts-check
// The person's profile: a dialog with the picture, the nickname, the season, and what becomes of the data.

import { ApiError } from "../client/http.js";
import { checkPhoto, putPhoto } from "../client/upload.js";
import { byId, fillPortrait, show } from "./dom.js";
import { words } from "./page-words.js";
import { seasonName } from "./seasons.js";
import { idOf } from "./words.js";

/** @typedef {import("../client/api.js").Api} Api */
/** @typedef {import("../client/api.js").Profile} Profile */

/** Between looks at a picture or a deletion that is on its way, and the number of looks. */
const LOOK_MS = 500;
const LOOKS = 120;

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

export class ProfileDialog {
  #api;
  #onDeleted;
  /** Whether the button has asked once. */
  #sure = false;

  /** @param {{ api: Api, onDeleted: () => void }} options */
  constructor({ api, onDeleted }) {
    this.#api = api;
    this.#onDeleted = onDeleted;
    byId("profile-link").addEventListener("click", () => void this.#open());
    byId("profile-close").addEventListener("click", () => this.#dialog.close());
    byId("profile-form").addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#attempt(() => this.#save());
    });
    const input = /** @type {HTMLInputElement} */ (byId("profile-file"));
    byId("profile-choose").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const [file] = input.files ?? [];
      if (file) void this.#attempt(() => this.#setPicture(file));
      input.value = "";
    });
    byId("profile-remove").addEventListener("click", () => void this.#attempt(() => this.#removePicture()));
    byId("profile-export").addEventListener("click", () => void this.#attempt(() => this.#export()));
    byId("profile-delete").addEventListener("click", () => void this.#attempt(() => this.#delete()));
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (byId("profile"));
  }

  async #open() {
    this.#ask(false);
    this.#say("");
    this.#dialog.showModal();
    await this.#attempt(async () => this.#render(await this.#api.getMe()));
  }

  /** @param {Profile} profile */
  #render({ nickname, bio, personalColor, picture }) {
    /** @type {HTMLInputElement} */ (byId("profile-nickname")).value = nickname;
    /** @type {HTMLTextAreaElement} */ (byId("profile-bio")).value = bio;
    byId("profile-season").textContent = personalColor ? seasonName(words, personalColor) : words.say("profile-no-season");
    byId("profile-season").dataset.season = personalColor ?? "";
    // The page's own origin, whatever name it was opened by.
    fillPortrait(byId("profile-picture"), picture && new URL(picture.medium).pathname);
    show(byId("profile-remove"), picture !== null);
  }

  /**
   * Runs what a button asks for, and says what went wrong. Meanwhile nothing can be typed or pressed: it would be lost.
   *
   * @param {() => Promise<void>} work
   */
  async #attempt(work) {
    const body = /** @type {HTMLFieldSetElement} */ (byId("profile-body"));
    const focused = document.activeElement;
    body.disabled = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.#say((error instanceof ApiError && words.find(idOf("error", error.code))) || words.say("failed"));
    } finally {
      body.disabled = false;
      if (focused instanceof HTMLElement && body.contains(focused)) focused.focus();
    }
  }

  async #save() {
    const nickname = /** @type {HTMLInputElement} */ (byId("profile-nickname")).value.trim();
    const bio = /** @type {HTMLTextAreaElement} */ (byId("profile-bio")).value;
    this.#render(await this.#api.changeMe({ nickname, bio }));
    this.#say(words.say("saved"));
  }

  /** @param {File} file */
  async #setPicture(file) {
    const contentType = await checkPhoto(file);
    this.#say(words.say("profile-picture-wait"));
    const place = await this.#api.requestUpload({ contentType, contentLength: file.size });
    await putPhoto(this.#api, place, file);
    let picture = await this.#api.setPicture(place.objectKey);
    for (let look = 0; picture.state === "pending" && look < LOOKS; look += 1) {
      await pause();
      picture = await this.#api.getPicture(picture.id);
    }
    if (picture.state !== "ready") throw new ApiError({ code: picture.errorCode ?? "failed" });
    this.#render(await this.#api.getMe());
    this.#say(words.say("profile-picture-ready"));
  }

  async #removePicture() {
    await this.#api.deletePicture();
    this.#render(await this.#api.getMe());
    this.#say(words.say("profile-picture-gone"));
  }

  async #export() {
    const document = await this.#api.exportMe();
    const url = URL.createObjectURL(new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }));
    const link = Object.assign(globalThis.document.createElement("a"), { href: url, download: "toneup.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    this.#say(words.say("profile-downloaded"));
  }

  /** Asks first; then has everything deleted, and waits until that is done. */
  async #delete() {
    if (!this.#sure) return this.#ask(true);
    this.#ask(false);
    this.#say(words.say("profile-deleting"));
    let deletion = await this.#api.deleteMe();
    for (let look = 0; deletion.status === "pending" && look < LOOKS; look += 1) {
      await pause();
      deletion = await this.#api.getDeletion();
    }
    this.#onDeleted();
    this.#say(words.say(deletion.status === "done" ? "profile-deleted" : "profile-deleting"));
    show(byId("profile-body"), false);
  }

  /** @param {boolean} sure */
  #ask(sure) {
    this.#sure = sure;
    show(byId("profile-body"), true);
    byId("profile-delete").textContent = words.say(sure ? "profile-delete-surely" : "profile-delete");
  }

  /** @param {string} text */
  #say(text) {
    byId("profile-status").textContent = text;
  }
}
