// @ts-check
// A person: who they are, what is between them and the caller, and their posts. Of oneself also what one likes, and the diary.

import { button, el, heading, icon, local } from "../elements.js";
import { confirm, openMenu, openReport } from "../parts/dialogs.js";
import { emptiness, PagedList } from "../parts/list.js";
import { avatar, seasonChip } from "../parts/person.js";
import { loadInto, view } from "../parts/single.js";
import { Toggle } from "../toggle.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/api.js").Profile} Profile */
/** @typedef {import("../../../client/posts.js").Post} Post */

/** @type {import("../app.js").MakeView} */
export default function makeProfile(app, { id }, signal) {
  const title = app.say(id ? "profile" : "tab-me");
  const place = el("div", { class: "profile-top" });
  const rest = el("div", {});
  const own = heading(title);
  own.classList.add("visually-hidden");
  const load = () =>
    loadInto({
      app,
      signal,
      place,
      load: async (signal) => {
        const me = await app.me();
        const isMine = !id || id === me.id;
        const profile = isMine ? await app.api.getMe({ signal }) : await app.api.people.get(id, { signal });
        if (isMine) app.setMe(profile);
        return { profile, isMine };
      },
      render: ({ profile, isMine }) => {
        if (rest.childElementCount === 0) rest.append(...(isMine ? ownLists(app, profile, signal) : [grid(app, profile, signal, "of").element]));
        return [top(app, profile, isMine, () => void load())];
      },
    });
  void load();
  return { element: view("profile-view", own, place, rest), title, onAgain: () => void load() };
}

/** @param {App} app @param {Profile} profile @param {boolean} isMine @param {() => void} reload */
function top(app, profile, isMine, reload) {
  const followers = el("strong", {}, app.words.short(profile.followers));
  const counts = el(
    "p",
    { class: "profile-counts" },
    el("a", { href: `#/people/${profile.id}/followers` }, followers, " ", app.say("followers")),
    el("a", { href: `#/people/${profile.id}/following` }, el("strong", {}, app.words.short(profile.following)), " ", app.say("following")),
  );
  const season = seasonChip(app, profile.personalColor) ?? (isMine ? el("a", { href: "/", class: "fine" }, app.say("find-season")) : null);
  return el(
    "div",
    { class: "profile-card" },
    avatar(profile, "large"),
    el("div", { class: "profile-words" }, el("h2", {}, profile.nickname), season, profile.bio ? el("p", { class: "prose" }, profile.bio) : null, counts, isMine ? ownActions(app) : actions(app, profile, followers, reload)),
  );
}

/** @param {App} app */
function ownActions(app) {
  return el(
    "div",
    { class: "profile-acts" },
    el("a", { class: "button", href: "#/settings" }, icon("icon-settings"), app.say("settings")),
    el("a", { class: "button", href: "#/diary" }, icon("icon-book"), app.say("diary")),
  );
}

/** @param {App} app @param {Profile} profile @param {HTMLElement} followers @param {() => void} reload */
function actions(app, profile, followers, reload) {
  const { relation } = profile;
  if (relation?.isBlocked) {
    return el("div", { class: "profile-acts" }, button(app.say("unblock"), () => void app.attempt(() => app.api.people.setBlock(profile.id, false).then(reload))));
  }
  const follow = el("button", { type: "button", class: "button", onclick: () => void toggle.press() });
  const show = (/** @type {import("../toggle.js").ToggleState} */ { on, count }) => {
    follow.textContent = app.say(on ? "followed" : relation?.isFollower ? "follow-back" : "follow");
    follow.setAttribute("aria-pressed", String(on));
    follow.classList.toggle("primary", !on);
    followers.textContent = app.words.short(count);
  };
  const toggle = new Toggle({
    state: { on: relation?.isFollowing ?? false, count: profile.followers },
    send: async (wanted) => {
      await app.api.people.setFollow(profile.id, wanted);
      app.tell("follow");
      return null;
    },
    onChange: show,
    onFail: (error) => app.toast(app.explain(error)),
  });
  show(toggle.state);
  const message = button(app.say("message"), () => void app.attempt(async () => app.go(`/room/${(await app.api.chat.openDirect(profile.id)).id}`)), { icon: "icon-chat" });
  return el("div", { class: "profile-acts" }, follow, message, button(app.say("more-actions"), () => menu(app, profile, reload), { icon: "icon-dots", iconOnly: true }));
}

/** @param {App} app @param {Profile} profile @param {() => void} reload */
function menu(app, { id, nickname, relation }, reload) {
  const { people } = app.api;
  const isMuted = relation?.isMuted ?? false;
  const block = async () => {
    await people.setBlock(id, true);
    app.tell("person-gone", id);
    reload();
  };
  const question = { title: app.say("block-person", { name: nickname }), text: app.say("block-text"), label: app.say("block") };
  openMenu(app, nickname, [
    { label: app.say(isMuted ? "unmute-person" : "mute-person", { name: nickname }), press: () => void app.attempt(() => people.setMute(id, !isMuted).then(reload)) },
    { label: app.say("block"), press: () => confirm(app, question, block), isDangerous: true },
    { label: app.say("report"), press: () => openReport(app, (reason, description) => app.api.comments.report({ kind: "user", id, reason, description })), isDangerous: true },
  ]);
}

/** @param {App} app @param {Profile} profile @param {AbortSignal} signal */
function ownLists(app, profile, signal) {
  const place = el("div", {});
  const choose = (/** @type {"own" | "liked"} */ which) => {
    for (const one of tabs) one.setAttribute("aria-pressed", String(one.dataset.list === which));
    place.replaceChildren(grid(app, profile, signal, which).element);
  };
  const tab = (/** @type {"own" | "liked"} */ which, /** @type {string} */ key) => button(app.say(key), () => choose(which), { class: "segment", "data-list": which });
  const tabs = [tab("own", "my-posts"), tab("liked", "liked")];
  choose("own");
  return [el("div", { class: "segments", role: "group", "aria-label": app.say("my-posts") }, tabs), place];
}

/** @param {App} app @param {Profile} profile @param {AbortSignal} signal @param {"of" | "own" | "liked"} which */
function grid(app, profile, signal, which) {
  const { posts } = app.api;
  const own = { label: app.say("tab-compose"), path: "/compose" };
  /** @type {PagedList<Post>} */
  const list = new PagedList({
    app,
    signal,
    label: app.say(which === "liked" ? "liked" : "posts"),
    load: (cursor, signal) => {
      const options = { cursor, limit: 24, signal };
      return which === "own" ? posts.listOwn(options) : which === "liked" ? posts.list("liked", options) : posts.listOf(profile.id, options);
    },
    render: (post) => tile(app, post),
    key: ({ id }) => id,
    empty: () => (which === "own" ? emptiness(app.say("no-posts"), app.say("no-own-posts-text"), own) : emptiness(app.say("no-posts"), app.say(which === "liked" ? "no-liked-text" : "no-posts-text"))),
    className: "grid",
    skeleton: "tile",
  });
  app.hear("post-gone", (id) => list.remove(id), signal);
  return list;
}

/** @param {App} app @param {Post} post */
function tile(app, post) {
  const [first] = post.pictures;
  const name = first?.alt || post.text.slice(0, 80);
  const picture = first?.picture
    ? el("img", { src: local(first.picture.medium), alt: name, loading: "lazy", decoding: "async" })
    : el("span", { class: "blank" }, icon("icon-photo"), el("span", { class: "fine" }, app.say(post.state === "failed" ? "post-failed" : "processing-short")));
  const many = post.pictures.length > 1 ? el("span", { class: "tile-many", "aria-hidden": true }, icon("icon-pages")) : null;
  return el("div", { class: "tile" }, el("a", { href: `#/post/${post.id}`, "aria-label": first?.picture ? null : name }, picture, many));
}
