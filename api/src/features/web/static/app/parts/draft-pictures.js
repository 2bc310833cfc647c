// @ts-check
// The pictures of a post that is being written: chosen, cropped, described, put in order, taken out.

import { ACCEPTED, HEAD_BYTES, sniffImageType } from "../../../client/formats.js";
import { ApiError } from "../../../client/http.js";
import { WHOLE } from "../crop-geometry.js";
import { button, el, fill, local, show } from "../elements.js";
import { cropped, openCropper } from "./cropper.js";
import { uploadPicture } from "./upload.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/posts.js").PostPicture} PostPicture */
/** @typedef {import("../../../client/posts.js").DraftPicture} DraftPicture */

/**
 * @typedef {object} Draft
 * @property {string} alt
 * @property {string | null} id of one that the post has
 * @property {string} url of the preview
 * @property {ImageBitmap | null} image
 * @property {import("../crop-geometry.js").Crop} crop
 * @property {string | null} key of its upload, once that is done
 */

export const MOST_PICTURES = 5;

export class DraftPictures {
  #app;
  #onChange;
  /** @type {Draft[]} */
  #drafts = [];
  #items = el("ol", { class: "draft-pictures" });
  #input;
  #choose;

  /** @param {App} app @param {{ onChange: () => void }} options */
  constructor(app, { onChange }) {
    this.#app = app;
    this.#onChange = onChange;
    this.#input = el("input", { type: "file", accept: "image/*", multiple: true, hidden: true, "aria-label": app.say("choose-pictures"), onchange: () => void this.#chosen() });
    this.#choose = button(app.say("choose-pictures"), () => this.#input.click(), { icon: "icon-photo", class: "drop-zone" });
    this.element = el("div", { class: "draft" }, this.#items, this.#choose, this.#input);
    this.element.addEventListener("dragover", (event) => event.preventDefault());
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      void this.add([...(event.dataTransfer?.files ?? [])]);
    });
  }

  get count() {
    return this.#drafts.length;
  }

  focus() {
    this.#choose.focus();
  }

  async #chosen() {
    const files = [...(this.#input.files ?? [])];
    this.#input.value = ""; // so that choosing the same file again is a change
    await this.add(files);
  }

  /** Takes the pictures that a post has. @param {PostPicture[]} pictures */
  setKept(pictures) {
    this.#drafts = pictures.map(({ id, alt, picture }) => ({ id, alt, url: picture ? local(picture.medium) : "", image: null, crop: WHOLE, key: null }));
    this.#render();
  }

  /** @param {File[]} files */
  async add(files) {
    const app = this.#app;
    if (files.length + this.count > MOST_PICTURES) app.toast(app.say("most-pictures", { most: MOST_PICTURES }));
    for (const file of files.slice(0, MOST_PICTURES - this.count)) {
      await app.attempt(async () => {
        const image = await decode(file);
        this.#drafts.push({ id: null, alt: "", url: await preview(image, WHOLE), image, crop: WHOLE, key: null });
        app.announce(app.say("picture-added", { count: this.count }));
      });
    }
    this.#render();
    this.#onChange();
  }

  #render() {
    fill(this.#items, this.#drafts.map((draft, at) => this.#item(draft, at)));
    show(this.#choose, this.count < MOST_PICTURES);
  }

  /** @param {Draft} draft @param {number} at */
  #item(draft, at) {
    const app = this.#app;
    const alt = el("input", { class: "input", type: "text", maxlength: 300, placeholder: app.say("alt-hint"), "aria-label": app.say("alt-of", { at: at + 1 }) });
    alt.value = draft.alt;
    alt.addEventListener("input", () => (draft.alt = alt.value));
    const small = (/** @type {string} */ label, /** @type {string} */ symbol, /** @type {() => void} */ press, disabled = false) =>
      button(label, press, { icon: symbol, iconOnly: true, disabled });
    return el(
      "li",
      { class: "draft-picture" },
      el("img", { src: draft.url, alt: draft.alt || app.say("picture-of", { at: at + 1, total: this.count }) }),
      el(
        "div",
        { class: "draft-tools" },
        draft.image ? small(app.say("crop"), "icon-crop", () => this.#crop(draft)) : null,
        small(app.say("move-before"), "icon-back", () => this.#move(at, -1), at === 0),
        small(app.say("move-after"), "icon-next", () => this.#move(at, 1), at === this.count - 1),
        small(app.say("remove-picture"), "icon-close", () => this.#remove(at)),
      ),
      alt,
    );
  }

  /** @param {Draft} draft */
  #crop(draft) {
    if (!draft.image) return;
    const { image } = draft;
    openCropper(this.#app, image, draft.crop, (crop) => {
      void this.#app.attempt(async () => {
        URL.revokeObjectURL(draft.url);
        Object.assign(draft, { crop, key: null, url: await preview(image, crop) });
        // Only the picture: somebody may be describing it already.
        this.#items.children[this.#drafts.indexOf(draft)]?.querySelector("img")?.setAttribute("src", draft.url);
      });
    });
  }

  /** @param {number} at @param {number} by */
  #move(at, by) {
    const [draft] = this.#drafts.splice(at, 1);
    this.#drafts.splice(at + by, 0, draft);
    this.#render();
    this.#app.announce(this.#app.say("picture-moved", { at: at + by + 1, total: this.count }));
    const tools = this.#items.children[at + by]?.querySelectorAll("button:not([disabled])");
    if (tools?.[0] instanceof HTMLElement) tools[0].focus();
  }

  /** @param {number} at */
  #remove(at) {
    const [draft] = this.#drafts.splice(at, 1);
    if (draft.image) URL.revokeObjectURL(draft.url);
    draft.image?.close();
    this.#render();
    this.#choose.focus();
    this.#onChange();
  }

  /** Whether a picture was taken out, put in or moved. @param {PostPicture[]} old */
  differsFrom(old) {
    return JSON.stringify(this.#drafts.map(({ id, alt }) => [id, alt])) !== JSON.stringify(old.map(({ id, alt }) => [id, alt]));
  }

  /**
   * Uploads what has not been uploaded yet. What is up stays up: trying again goes on with the rest.
   *
   * @param {{ onProgress: (fraction: number) => void, signal: AbortSignal }} options
   * @returns {Promise<DraftPicture[]>}
   */
  async upload({ onProgress, signal }) {
    const done = new Map(this.#drafts.map((draft) => [draft, draft.id || draft.key ? 1 : 0]));
    const tell = () => onProgress([...done.values()].reduce((sum, part) => sum + part, 0) / Math.max(1, done.size));
    for (const draft of this.#drafts) {
      if (draft.id || draft.key || !draft.image) continue;
      const picture = await cropped(draft.image, draft.crop);
      const onPart = (/** @type {number} */ fraction) => (done.set(draft, fraction), tell());
      draft.key = await uploadPicture(this.#app, picture, { onProgress: onPart, signal });
    }
    return this.#drafts.map(({ id, key, alt }) => (id ? { id, alt } : { objectKey: key ?? "", alt }));
  }

  clear() {
    for (const { url, image } of this.#drafts) {
      if (image) URL.revokeObjectURL(url);
      image?.close();
    }
    this.#drafts = [];
    this.#render();
  }
}

/** @param {File} file */
async function decode(file) {
  const type = sniffImageType(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()));
  if (type === null) throw new ApiError({ code: "NOT_AN_IMAGE", status: 422 });
  try {
    return await createImageBitmap(file);
  } catch (cause) {
    throw new ApiError({ code: ACCEPTED.includes(type) ? "UNSUPPORTED_FORMAT" : "NOT_AN_IMAGE", status: 422, cause });
  }
}

/** @param {ImageBitmap} image @param {import("../crop-geometry.js").Crop} crop */
async function preview(image, crop) {
  return URL.createObjectURL(await cropped(image, crop));
}
