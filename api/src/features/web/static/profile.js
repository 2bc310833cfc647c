// @ts-check
// The person's profile: a dialog with the picture, the nickname, the season, and what becomes of the data.

import { ApiError } from "../client/http.js";
import { checkPhoto, putPhoto } from "../client/upload.js";
import { byId, fillPortrait, show } from "./dom.js";
import { profileProblem, profileWords } from "./profile-words.js";

/** @typedef {import("../client/api.js").Api} Api */
/** @typedef {import("../client/api.js").Profile} Profile */

/** Between looks at a picture or a deletion that is on its way, and the number of looks. */
const LOOK_MS = 500;
const LOOKS = 120;

const pause = () => new Promise((resolve) => setTimeout(resolve, LOOK_MS));

export class ProfileDialog {
  #api;
  #onDeleted;
  #words;
  /** Whether the button has asked once. */
  #sure = false;

  /** @param {{ api: Api, onDeleted: () => void, languages?: readonly string[] }} options */
  constructor({ api, onDeleted, languages = navigator.languages }) {
    this.#api = api;
    this.#onDeleted = onDeleted;
    const { language, words } = profileWords(languages);
    this.#words = words;
    this.#write(language);
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

  /** Writes the texts that stay. @param {string} language */
  #write(language) {
    const words = this.#words;
    for (const id of ["profile", "profile-link"]) byId(id).lang = language;
    const texts = /** @type {const} */ ({
      "profile-link": "link",
      "profile-title": "title",
      "profile-choose": "choosePicture",
      "profile-remove": "removePicture",
      "profile-nickname-label": "nickname",
      "profile-nickname-hint": "nicknameHint",
      "profile-bio-label": "bio",
      "profile-bio-hint": "bioHint",
      "profile-save": "save",
      "profile-export": "export",
    });
    for (const [id, word] of Object.entries(texts)) byId(id).textContent = words[word];
    byId("profile-close").setAttribute("aria-label", words.close);
    byId("profile-file").setAttribute("aria-label", words.picture);
  }

  async #open() {
    this.#ask(false);
    this.#say("");
    this.#dialog.showModal();
    await this.#attempt(async () => this.#render(await this.#api.getMe()));
  }

  /** @param {Profile} profile */
  #render({ nickname, bio, personalColor, picture }) {
    const words = this.#words;
    /** @type {HTMLInputElement} */ (byId("profile-nickname")).value = nickname;
    /** @type {HTMLTextAreaElement} */ (byId("profile-bio")).value = bio;
    byId("profile-season").textContent = personalColor ? words[personalColor] : words.noColour;
    byId("profile-season").dataset.season = personalColor ?? "";
    // The page's own origin, whatever name it was opened by.
    fillPortrait(byId("profile-picture"), picture && new URL(picture.medium).pathname);
    show(byId("profile-remove"), picture !== null);
  }

  /** Runs what a button asks for, one at a time, and says what went wrong. @param {() => Promise<void>} work */
  async #attempt(work) {
    if (this.#dialog.ariaBusy === "true") return;
    this.#dialog.ariaBusy = "true";
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) console.error(error);
      this.#say(profileProblem(this.#words, error instanceof ApiError ? error.code : null));
    } finally {
      this.#dialog.ariaBusy = "false";
    }
  }

  async #save() {
    const nickname = /** @type {HTMLInputElement} */ (byId("profile-nickname")).value.trim();
    const bio = /** @type {HTMLTextAreaElement} */ (byId("profile-bio")).value;
    this.#render(await this.#api.changeMe({ nickname, bio }));
    this.#say(this.#words.saved);
  }

  /** @param {File} file */
  async #setPicture(file) {
    const contentType = await checkPhoto(file);
    this.#say(this.#words.pictureWait);
    const place = await this.#api.requestUpload({ contentType, contentLength: file.size });
    await putPhoto(this.#api, place, file);
    let picture = await this.#api.setPicture(place.objectKey);
    for (let look = 0; picture.state === "pending" && look < LOOKS; look += 1) {
      await pause();
      picture = await this.#api.getPicture(picture.id);
    }
    if (picture.state !== "ready") throw new ApiError({ code: picture.errorCode ?? "failed" });
    this.#render(await this.#api.getMe());
    this.#say(this.#words.pictureReady);
  }

  async #removePicture() {
    await this.#api.deletePicture();
    this.#render(await this.#api.getMe());
    this.#say(this.#words.pictureGone);
    byId("profile-choose").focus();
  }

  async #export() {
    const document = await this.#api.exportMe();
    const url = URL.createObjectURL(new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }));
    const link = Object.assign(globalThis.document.createElement("a"), { href: url, download: "toneup.json" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
    this.#say(this.#words.downloaded);
  }

  /** Asks first; then has everything deleted, and waits until that is done. */
  async #delete() {
    if (!this.#sure) return this.#ask(true);
    this.#ask(false);
    this.#say(this.#words.deleting);
    let deletion = await this.#api.deleteMe();
    for (let look = 0; deletion.status === "pending" && look < LOOKS; look += 1) {
      await pause();
      deletion = await this.#api.getDeletion();
    }
    this.#onDeleted();
    this.#say(deletion.status === "done" ? this.#words.deleted : this.#words.deleting);
    show(byId("profile-body"), false);
  }

  /** @param {boolean} sure */
  #ask(sure) {
    this.#sure = sure;
    show(byId("profile-body"), true);
    byId("profile-delete").textContent = sure ? this.#words.confirmDelete : this.#words.delete;
  }

  /** @param {string} text */
  #say(text) {
    byId("profile-status").textContent = text;
  }
}
