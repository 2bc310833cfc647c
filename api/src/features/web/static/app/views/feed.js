// @ts-check
// The feeds: those whom one follows, everybody's newest, what is liked most.

import { el, heading } from "../elements.js";
import { emptiness, PagedList } from "../parts/list.js";
import { postCard } from "../parts/post-card.js";
import { view } from "../parts/single.js";

/** @typedef {import("../../../client/posts.js").Feed} Feed */
/** @typedef {import("../../../client/posts.js").Post} Post */

/** @type {{ feed: Feed, path: string, key: string, title: string }[]} */
const FEEDS = [
  { feed: "home", path: "/feed", key: "feed-home", title: "feed-home-title" },
  { feed: "newest", path: "/feed/discover", key: "feed-newest", title: "feed-newest-title" },
  { feed: "ranking", path: "/feed/ranking", key: "feed-ranking", title: "feed-ranking-title" },
];

/** @type {import("../app.js").MakeView} */
export default function makeFeed(app, params, signal) {
  const feed = /** @type {Feed} */ (params.feed);
  const title = app.say(FEEDS.find((one) => one.feed === feed)?.title ?? "feed-home-title");
  /** @type {PagedList<Post>} */
  const list = new PagedList({
    app,
    signal,
    label: title,
    load: (cursor, signal) => app.api.posts.list(feed, { cursor, limit: 10, signal }),
    render: (post) => postCard(app, post, signal),
    key: ({ id }) => id,
    empty: () =>
      feed === "home"
        ? emptiness(app.say("home-empty"), app.say("home-empty-text"), { label: app.say("feed-newest"), path: "/feed/discover" })
        : emptiness(app.say("feed-empty"), app.say("feed-empty-text"), { label: app.say("tab-compose"), path: "/compose" }),
    skeleton: "card",
    role: "feed",
  });
  app.hear("post-gone", (id) => list.remove(id), signal);
  app.hear("posted", (post) => feed !== "ranking" && list.add(post), signal);
  app.hear("follow", () => feed === "home" && void list.reload(), signal);
  app.hear("person-gone", () => void list.reload(), signal);
  const tabs = FEEDS.map(({ path, key, feed: one }) => el("a", { class: "segment", href: `#${path}`, "aria-current": one === feed ? "page" : null }, app.say(key)));
  const element = view("feed-view", heading(title), el("nav", { class: "segments", "aria-label": app.say("feeds") }, tabs), list.element);
  return {
    element,
    title,
    onAgain: () => {
      scrollTo({ top: 0 });
      void list.reload();
    },
  };
}
