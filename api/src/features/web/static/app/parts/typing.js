// @ts-check
// What is typed into a field, syllables under construction included: an input method composes one from several keys.

/** Pause after the last key before anything is asked for. */
const PAUSE_MS = 150;

/**
 * Calls back with what a field holds, once typing pauses. Composed text counts as it stands: suggestions are for half a
 * syllable too.
 *
 * @param {HTMLInputElement} input
 * @param {(text: string) => void} onText
 * @param {number} [pauseMs]
 * @returns {() => void} forgets a pause that has begun: the text was used already
 */
export function whenTyped(input, onText, pauseMs = PAUSE_MS) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  let last = "";
  const typed = () => {
    clearTimeout(soon);
    soon = setTimeout(() => {
      const text = input.value.trim();
      if (text !== last) onText((last = text));
    }, pauseMs);
  };
  input.addEventListener("input", typed);
  input.addEventListener("compositionend", typed);
  return () => {
    clearTimeout(soon);
    last = input.value.trim();
  };
}

/**
 * Whether a press of Enter is meant for the page, and not for the input method that composes a syllable. Safari tells the end of
 * a composition before the key: its code 229 says so.
 *
 * @param {KeyboardEvent} event
 */
export function isPlainEnter(event) {
  return event.key === "Enter" && !event.isComposing && event.keyCode !== 229 && !event.shiftKey;
}
