// @ts-check
// Ways to hand over a photo: file dialog, camera, drag and drop, paste.

import { byId } from "./dom.js";

/**
 * Calls back with every photo that the person hands over, by whichever way.
 *
 * @param {(file: File, adding: boolean) => void} onPhoto `adding`: to those in hand, by a button with `data-add`
 * @param {() => boolean} accepting whether a dropped or pasted photo is welcome right now
 */
export function watchForPhotos(onPhoto, accepting) {
  for (const name of ["photo", "camera"]) {
    const input = /** @type {HTMLInputElement} */ (byId(`${name}-input`));
    let adding = false;
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      input.value = ""; // so that choosing the same file again is a change
      if (file) onPhoto(file, adding);
    });
    for (const button of document.querySelectorAll(`[data-pick="${name}"]`)) {
      button.addEventListener("click", () => {
        adding = button.hasAttribute("data-add");
        input.click();
      });
    }
  }
  watchForDrops(onPhoto, accepting);
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file && accepting()) onPhoto(file, false);
  });
}

/**
 * @param {(file: File, adding: boolean) => void} onPhoto
 * @param {() => boolean} accepting
 */
function watchForDrops(onPhoto, accepting) {
  const stage = byId("stage");
  let depth = 0; // enter and leave also fire for every child
  const carriesFile = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  const mark = () => stage.classList.toggle("drop-here", depth > 0 && accepting());
  addEventListener("dragenter", (event) => {
    if (carriesFile(event)) depth += 1;
    mark();
  });
  addEventListener("dragleave", (event) => {
    if (carriesFile(event)) depth = Math.max(0, depth - 1);
    mark();
  });
  addEventListener("dragover", (event) => {
    // Anywhere on the page: a photo that misses must not replace the page.
    if (!carriesFile(event)) return;
    event.preventDefault();
    if (event.dataTransfer) event.dataTransfer.dropEffect = accepting() ? "copy" : "none";
  });
  addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    depth = 0;
    mark();
    const file = event.dataTransfer?.files[0];
    if (file && accepting()) onPhoto(file, false);
  });
}
