// @ts-check
// Looks after a post whose pictures are being prepared, and says when it is ready.

import { sleep } from "../../../client/http.js";

/** @typedef {import("../app.js").App} App */

/** Between two looks: a little longer each time. */
const FIRST_MS = 700;
const LONGEST_MS = 5000;
const LOOKS = 60;
/** Posts that are looked after already. */
const watched = new Set();

/** @param {App} app @param {string} id @param {AbortSignal} signal */
export async function watchPost(app, id, signal) {
  if (watched.has(id)) return;
  watched.add(id);
  try {
    for (let look = 0, pause = FIRST_MS; look < LOOKS; look += 1, pause = Math.min(LONGEST_MS, pause * 1.3)) {
      await sleep(pause, signal);
      const post = await app.api.posts.get(id, { signal, attempts: 2 });
      if (post.state === "processing") continue;
      app.tell("post", post);
      app.announce(app.say(post.state === "ready" ? "post-ready" : "post-failed"));
      return;
    }
  } catch {
    // The view is gone, or the post; whoever opens it again sees how it is.
  } finally {
    watched.delete(id);
  }
}
