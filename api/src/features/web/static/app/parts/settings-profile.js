// @ts-check
// The nickname, the words and the picture of one's profile.

import { ApiError, sleep } from "../../../client/http.js";
import { WHOLE } from "../crop-geometry.js";
import { button, el, fill, freshId, show } from "../elements.js";
import { cropped, openCropper } from "./cropper.js";
import { avatar } from "./person.js";
import { loadInto } from "./single.js";
import { uploadPicture } from "./upload.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/api.js").Profile} Profile */

/** Between looks at a picture that is being made, and how many. */
const LOOK_MS = 500;
const LOOKS = 120;

/** @param {App} app @param {AbortSignal} signal */
export function profileSection(app, signal) {
  const place = el("div", {});
  void loadInto({ app, signal, place, skeleton: "line", load: (signal) => app.api.getMe({ signal }), render: (profile) => [form(app, profile, signal)] });
  return el("section", { class: "card settings-part" }, el("h2", { class: "small-title" }, app.say("profile")), place);
}

/** @param {App} app @param {Profile} profile @param {AbortSignal} signal */
function form(app, profile, signal) {
  const [nameId, bioId] = [freshId("name"), freshId("bio")];
  const nickname = el("input", { id: nameId, class: "input", type: "text", autocomplete: "nickname", maxlength: 20 });
  const bio = el("textarea", { id: bioId, class: "input", rows: 2, maxlength: 100 });
  nickname.value = profile.nickname;
  bio.value = profile.bio;
  const problem = el("p", { class: "problem", role: "alert", hidden: true });
  const save = el("button", { type: "submit", class: "button primary" }, app.say("save"));
  const element = el(
    "form",
    { class: "stack", novalidate: true },
    pictureRow(app, profile, signal),
    el("div", { class: "field" }, el("label", { for: nameId }, app.say("nickname")), nickname),
    el("div", { class: "field" }, el("label", { for: bioId }, app.say("bio")), bio),
    problem,
    save,
  );
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    show(problem, false);
    try {
      app.setMe(await app.api.changeMe({ nickname: nickname.value.trim(), bio: bio.value.trim() }));
      app.forget((path) => path === "/me");
      app.toast(app.say("saved"));
    } catch (error) {
      problem.textContent = app.explain(error);
      show(problem, true);
      nickname.focus();
    } finally {
      save.disabled = false;
    }
  });
  return element;
}

/** @param {App} app @param {Profile} profile @param {AbortSignal} signal */
function pictureRow(app, profile, signal) {
  const face = el("span", {}, avatar(profile, "large"));
  const input = el("input", { type: "file", accept: "image/*", hidden: true, "aria-label": app.say("choose-picture") });
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    input.value = "";
    if (file) void app.attempt(() => choose(file));
  });
  const choose = async (/** @type {File} */ file) => {
    const image = await createImageBitmap(file).catch((cause) => {
      throw new ApiError({ code: "NOT_AN_IMAGE", status: 422, cause });
    });
    openCropper(app, image, { ...WHOLE, shape: "square" }, (crop) => {
      void app.attempt(async () => {
        app.toast(app.say("processing-short"));
        const key = await uploadPicture(app, await cropped(image, crop), { signal });
        let picture = await app.api.setPicture(key, { signal });
        for (let look = 0; picture.state === "pending" && look < LOOKS; look += 1) {
          await sleep(LOOK_MS, signal);
          picture = await app.api.getPicture(picture.id, { signal });
        }
        if (picture.state !== "ready") throw new ApiError({ code: picture.errorCode ?? "failed", status: 422 });
        const me = await app.api.getMe({ signal });
        app.setMe(me);
        fill(face, avatar(me, "large"));
        app.forget((path) => path === "/me");
        app.toast(app.say("saved"));
      });
    });
  };
  return el("div", { class: "picture-row" }, face, button(app.say("choose-picture"), () => input.click()), input);
}
