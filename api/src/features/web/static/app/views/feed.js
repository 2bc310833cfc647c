// @ts-check
// The feeds: those whom one follows, everybody's newest, what is liked most.

import { el, heading } from "../elements.js";
import { emptiness, PagedList } from "../parts/list.js";
import { postCard } from "../parts/post-card.js";
import { view } from "../parts/single.js";

/** @typedef {import("../../../client/posts.js").Feed} Feed */
/** @typedef {import("../../../client/posts.js").Post} Post */
/** @typedef {import("../words.js").Key} Key */

/** @type {{ feed: Feed, path: string, key: Key, title: Key }[]} */
const FEEDS = [
  { feed: "home", path: "/feed", key: "feedHome", title: "feedHomeTitle" },
  { feed: "newest", path: "/feed/discover", key: "feedNewest", title: "feedNewestTitle" },
  { feed: "ranking", path: "/feed/ranking", key: "feedRanking", title: "feedRankingTitle" },
];

/** @type {import("../app.js").MakeView} */
export default function makeFeed(app, params, signal) {
  const feed = /** @type {Feed} */ (params.feed);
  const title = app.say(FEEDS.find((one) => one.feed === feed)?.title ?? "feedHomeTitle");
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
        ? emptiness(app.say("homeEmpty"), app.say("homeEmptyText"), { label: app.say("feedNewest"), path: "/feed/discover" })
        : emptiness(app.say("feedEmpty"), app.say("feedEmptyText"), { label: app.say("tabCompose"), path: "/compose" }),
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
