// @ts-check
// A heart with a count.

import { el, icon } from "../elements.js";
import { Toggle } from "../toggle.js";

/** @typedef {import("../app.js").App} App */

/**
 * @param {App} app
 * @param {object} options
 * @param {{ isLiked: boolean, likes: number }} options.of
 * @param {string} options.name of what is liked, for those who do not see it
 * @param {(wanted: boolean) => Promise<{ liked: boolean, likes: number }>} options.send
 * @param {(state: { isLiked: boolean, likes: number }) => void} [options.onStored] the server has it
 */
export function likeButton(app, { of, name, send, onStored }) {
  const count = el("span", { class: "count" });
  const button = el("button", { type: "button", class: "like", onclick: () => void toggle.press() }, icon("icon-heart"), count);
  const show = (/** @type {import("../toggle.js").ToggleState} */ state) => {
    button.setAttribute("aria-pressed", String(state.on));
    button.setAttribute("aria-label", `${app.say("like")}: ${name}. ${app.say("likes", { count: state.count })}`);
    count.textContent = state.count > 0 ? app.words.short(state.count) : "";
  };
  const toggle = new Toggle({
    state: { on: of.isLiked, count: of.likes },
    send: async (wanted) => {
      const { liked, likes } = await send(wanted);
      onStored?.({ isLiked: liked, likes });
      return { on: liked, count: likes };
    },
    onChange: show,
    onFail: (error) => app.toast(app.explain(error)),
  });
  show(toggle.state);
  return {
    element: button,
    /** @param {{ isLiked: boolean, likes: number }} state */
    set: ({ isLiked, likes }) => toggle.set({ on: isLiked, count: likes }),
  };
}
