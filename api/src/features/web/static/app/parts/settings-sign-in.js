// @ts-check
// The accounts elsewhere with which one signs in: shown, added, taken away.

import { button, el } from "../elements.js";
import { confirm } from "./dialogs.js";
import { loadInto } from "./single.js";

/** @typedef {import("../app.js").App} App */
/** @typedef {{ name: string, title: string }} Provider */
/** @typedef {{ id: string, provider: string, createdAt: string }} Identity */

/** @param {App} app @param {AbortSignal} signal */
export function signInSection(app, signal) {
  const place = el("div", { class: "stack" });
  const element = el("section", { class: "card settings-part", hidden: true }, el("h2", { class: "small-title" }, app.say("sign-in")), place);
  const load = () =>
    loadInto({
      app,
      signal,
      place,
      skeleton: "line",
      load: async (signal) => {
        const [providers, identities] = await Promise.all([app.api.listProviders({ signal }), app.api.listIdentities({ signal })]);
        return { providers: providers.items, identities: identities.items };
      },
      render: ({ providers, identities }) => {
        element.hidden = providers.length === 0;
        return rows(app, providers, identities, load);
      },
    });
  void load();
  return element;
}

/** @param {App} app @param {Provider[]} providers @param {Identity[]} identities @param {() => void} reload */
function rows(app, providers, identities, reload) {
  const isMember = identities.length > 0;
  const row = (/** @type {Provider} */ provider) => {
    const identity = identities.find((one) => one.provider === provider.name);
    const act = identity ? unlinkButton(app, provider, identity, reload) : linkButton(app, provider, isMember);
    return el("li", { class: "switch" }, el("span", {}, provider.title, identity ? el("span", { class: "fine" }, ` ${app.say("linked")}`) : null), act);
  };
  return [el("p", { class: "quiet" }, app.say(isMember ? "signed-in-text" : "guest-text")), el("ul", { class: "switches" }, providers.map(row))];
}

/** @param {App} app @param {Provider} provider @param {boolean} link */
function linkButton(app, { name, title }, link) {
  const start = async () => {
    const { url } = await app.api.startSignIn(name, { returnTo: "/", ...(link ? { link } : {}) });
    location.assign(url);
  };
  return button(app.say("sign-in-with", { name: title }), () => void app.attempt(start));
}

/** @param {App} app @param {Provider} provider @param {Identity} identity @param {() => void} reload */
function unlinkButton(app, { title }, { id }, reload) {
  const question = { title: app.say("unlink-title", { name: title }), text: app.say("unlink-text"), label: app.say("unlink") };
  return button(app.say("unlink"), () => confirm(app, question, async () => (await app.api.deleteIdentity(id), reload())), { class: "text-button" });
}
