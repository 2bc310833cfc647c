// @ts-check
// One post with its comments; what others do with it is shown at once.

import { el, heading } from "../elements.js";
import { CommentsPart } from "../parts/comments.js";
import { postCard } from "../parts/post-card.js";
import { loadInto, view } from "../parts/single.js";

/** @typedef {import("../../../client/notices.js").Notice} Notice */

/** @type {import("../app.js").MakeView} */
export default function makePost(app, { id }, signal) {
  const title = app.say("post");
  const place = el("div", { class: "single" });
  /** @type {CommentsPart | null} */
  let comments = null;
  void loadInto({
    app,
    signal,
    place,
    load: (signal) => app.api.posts.get(id, { signal }),
    render: (post) => {
      comments = new CommentsPart(app, post, signal);
      return [postCard(app, post, signal, { whole: true, onComment: () => comments?.focus() }), comments.element];
    },
  });
  const refresh = async () => {
    try {
      app.tell("post", await app.api.posts.get(id, { signal, attempts: 2 }));
    } catch {
      // It stays as it was.
    }
  };
  app.hear(
    "notice",
    (/** @type {Notice} */ notice) => {
      if (notice.subjectId === id) void refresh();
      if (notice.type.startsWith("comment.") || (notice.type !== "post.liked" && notice.subjectId === id)) void comments?.reload();
    },
    signal,
  );
  return { element: view("post-view", heading(title), place), title, onShow: () => void (place.childElementCount > 0 && comments && refresh()) };
}
