// @ts-check
// A comment by its id, as notices name it: leads to its post.

import { el, heading } from "../elements.js";
import { loadInto, view } from "../parts/single.js";

/** @type {import("../app.js").MakeView} */
export default function makeComment(app, { id }, signal) {
  const title = app.say("comments-title");
  const place = el("div", { class: "single" });
  void loadInto({
    app,
    signal,
    place,
    load: (signal) => app.api.comments.get(id, { signal }),
    render: ({ postId }) => {
      queueMicrotask(() => app.go(`/post/${postId}`, { replace: true }));
      return [];
    },
  });
  return { element: view("post-view", heading(title), place), title };
}
