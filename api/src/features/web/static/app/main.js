// @ts-check
// Starts the page.

import { App } from "./app.js";

new App().start();

if (isSecureContext && "serviceWorker" in navigator) {
  // Keeps the page's files for when there is no network.
  addEventListener("load", () => void navigator.serviceWorker.register("/service-worker.js").catch(() => {}));
}
