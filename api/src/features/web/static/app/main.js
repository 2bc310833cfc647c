// @ts-check
// Starts the page.

import { App } from "./app.js";

new App().start();

if (isSecureContext && "serviceWorker" in navigator) {
  // Keeps the page's files for when there is no network. The page may be loaded before its words are, and these scripts begin.
  const keep = () => void navigator.serviceWorker.register("/service-worker.js").catch(() => {});
  if (document.readyState === "complete") keep();
  else addEventListener("load", keep);
}
