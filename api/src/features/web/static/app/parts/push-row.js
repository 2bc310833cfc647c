// @ts-check
// Notifications on this device, on or off.

import { decodeKey } from "../../notify.js";
import { button, el } from "../elements.js";

/** @typedef {import("../app.js").App} App */

/** @param {App} app */
export function pushRow(app) {
  const text = el("span", {});
  const press = button("", () => void toggle(), { hidden: true });
  const row = el("div", { class: "switch", hidden: true }, text, press);
  const isSupported = isSecureContext && "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
  if (!isSupported) return row;
  let key = "";
  const subscription = async () => (await navigator.serviceWorker.getRegistration("/"))?.pushManager.getSubscription() ?? null;
  const show = async () => {
    const blocked = Notification.permission === "denied";
    const on = !blocked && (await subscription()) !== null;
    text.textContent = app.say(blocked ? "push-blocked" : on ? "push-on" : "push-off");
    press.textContent = app.say(on ? "turn-off" : "turn-on");
    press.hidden = blocked;
    row.hidden = false;
  };
  const toggle = () =>
    app.attempt(async () => {
      const old = await subscription();
      if (old) await old.unsubscribe();
      else await join(app, key);
      await show();
    });
  app.api.getVapidKey({ attempts: 1 }).then(
    ({ publicKey }) => {
      key = publicKey ?? "";
      if (key) void show();
    },
    () => {},
  );
  return row;
}

/** @param {App} app @param {string} key */
async function join(app, key) {
  // Before anything else: browsers let a page ask as part of a click only.
  if ((await Notification.requestPermission()) !== "granted") return;
  await navigator.serviceWorker.register("/service-worker.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const { endpoint, keys } = (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: decodeKey(key) })).toJSON();
  await app.api.createPushSubscription({ kind: "web", endpoint, keys });
}
