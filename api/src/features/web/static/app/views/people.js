// @ts-check
// Lists of people: who follows somebody, whom somebody follows; of oneself whom one blocks and mutes.

import { button, heading } from "../elements.js";
import { emptiness, PagedList } from "../parts/list.js";
import { personLine } from "../parts/person.js";
import { view } from "../parts/single.js";

/** @typedef {import("../../../client/people.js").Person} Person */

/** @type {Record<string, string>} */
const TITLES = { followers: "followers", following: "following", blocks: "blocked", mutes: "muted-people" };

/** @type {import("../app.js").MakeView} */
export default function makePeople(app, { id, list: which }, signal) {
  const title = app.say(TITLES[which] ?? "followers");
  const { people } = app.api;
  /** @type {PagedList<Person>} */
  const list = new PagedList({
    app,
    signal,
    label: title,
    load: (cursor, signal) => {
      const options = { cursor, limit: 50, signal };
      if (which === "blocks") return people.listBlocks(options);
      if (which === "mutes") return people.listMutes(options);
      return which === "following" ? people.listFollowing(id, options) : people.listFollowers(id, options);
    },
    render: (person) => personLine(app, person, lift(person)),
    key: (person) => person.id,
    empty: () => emptiness(app.say("nobody"), app.say("nobody-text"), { label: app.say("search"), path: "/search" }),
    className: "people-list",
  });
  /** @param {Person} person */
  function lift(person) {
    if (which !== "blocks" && which !== "mutes") return null;
    const undo = () => (which === "blocks" ? people.setBlock(person.id, false) : people.setMute(person.id, false));
    return button(app.say(which === "blocks" ? "unblock" : "unmute"), () => void app.attempt(async () => (await undo(), list.remove(person.id))));
  }
  return { element: view("people-view", heading(title), list.element), title };
}
