// @ts-check
// Something that is on or off, with a count: a like, a follow. Shown at once, sent afterwards, taken back if it fails. No DOM.

/** @typedef {{ on: boolean, count: number }} ToggleState */

export class Toggle {
  #send;
  #onChange;
  #onFail;
  #sending = false;
  /** What the server last said. @type {ToggleState} */
  #stored;
  /** @type {ToggleState} */
  state;

  /**
   * @param {object} options
   * @param {ToggleState} options.state
   * @param {(wanted: boolean) => Promise<ToggleState | null>} options.send null: the server says no more than that it is done
   * @param {(state: ToggleState) => void} options.onChange
   * @param {(error: unknown) => void} options.onFail
   */
  constructor({ state, send, onChange, onFail }) {
    this.state = this.#stored = state;
    this.#send = send;
    this.#onChange = onChange;
    this.#onFail = onFail;
  }

  /** Turns it over, and sends what was wanted last until the server has it. */
  async press() {
    this.#show(turned(this.state, !this.state.on));
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.state.on !== this.#stored.on) {
        const wanted = this.state.on;
        const told = await this.#send(wanted);
        this.#stored = told ?? turned(this.#stored, wanted);
        // Pressed again meanwhile: the newer wish goes out next.
        if (this.state.on === wanted) this.#show(this.#stored);
        if (this.#stored.on !== wanted) break;
      }
    } catch (error) {
      this.#show(this.#stored);
      this.#onFail(error);
    } finally {
      this.#sending = false;
    }
  }

  /** Takes what the server said elsewhere. @param {ToggleState} state */
  set(state) {
    if (this.#sending) return;
    this.#stored = state;
    this.#show(state);
  }

  /** @param {ToggleState} state */
  #show(state) {
    this.state = state;
    this.#onChange(state);
  }
}

/** @param {ToggleState} state @param {boolean} on */
function turned(state, on) {
  if (state.on === on) return state;
  return { on, count: Math.max(0, state.count + (on ? 1 : -1)) };
}
