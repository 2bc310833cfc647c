// @ts-check
// What can be done with a post beside liking it.

import { confirm, openMenu, openReport } from "./dialogs.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {import("../../../client/posts.js").Post} Post */

/** @param {App} app @param {Post} post */
export async function openPostMenu(app, post) {
  const mine = await app.me().then(({ id }) => id === post.author.id, () => false);
  const remove = async () => {
    await app.api.posts.delete(post.id);
    app.tell("post-gone", post.id);
    app.toast(app.say("deleted"));
    if (location.hash === `#/post/${post.id}`) app.go("/feed", { replace: true });
  };
  const question = { title: app.say("delete-post"), text: app.say("delete-post-text"), label: app.say("delete") };
  openMenu(app, app.say("more-actions"), [
    mine ? { label: app.say("edit"), press: () => app.go(`/compose?edit=${post.id}`) } : null,
    mine ? { label: app.say("delete"), press: () => confirm(app, question, remove), isDangerous: true } : null,
    mine ? null : { label: app.say("mute-person", { name: post.author.nickname }), press: () => void mute(app, post) },
    mine ? null : { label: app.say("report"), press: () => openReport(app, (reason, description) => app.api.comments.report({ kind: "post", id: post.id, reason, description })), isDangerous: true },
  ]);
}

/** @param {App} app @param {Post} post */
function mute(app, { author }) {
  return app.attempt(async () => {
    await app.api.people.setMute(author.id, true);
    app.tell("person-gone", author.id);
    app.toast(app.say("muted", { name: author.nickname }), {
      label: app.say("undo"),
      press: () => void app.attempt(() => app.api.people.setMute(author.id, false)),
    });
  });
}
