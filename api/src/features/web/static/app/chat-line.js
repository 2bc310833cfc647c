// @ts-check
// The line on which messages arrive: Socket.IO, taken up again where it broke. Messages are sent by HTTP, which says what came
// of each and may be repeated; what only the moment knows, such as who is typing, goes by this line.

/** @typedef {import("./app.js").App} App */
/** @typedef {import("../../client/chat.js").LogEntry} LogEntry */

/** The server's answer to an event is waited for this long. */
const ACK_MS = 10_000;
const LONGEST_PAUSE_MS = 30_000;

export class ChatLine {
  #app;
  /** @type {any} */
  #socket = null;
  #userId = "";
  /** The newest entry that is known of each room. @type {Map<string, number>} */
  #known = new Map();
  #generation = 0;

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
  }

  get isConnected() {
    return this.#socket?.connected === true;
  }

  /** Begins anew, for whoever is here now. */
  async restart() {
    const generation = (this.#generation += 1);
    this.#socket?.disconnect();
    this.#socket = null;
    this.#known.clear();
    try {
      const [{ io }, { id }] = await Promise.all([import("../vendor/socket.io.esm.min.js"), this.#app.me()]);
      if (generation !== this.#generation) return;
      this.#userId = id;
      this.#open(io);
    } catch {
      // The views read what is new by themselves as long as there is no line.
      this.#app.tell("line", { connected: false });
    }
  }

  /** @param {any} io */
  #open(io) {
    const socket = io({
      // A fresh token at each attempt.
      auth: (/** @type {(data: object) => void} */ give) =>
        void this.#app.session.accessToken().then(
          (token) => give({ token }),
          () => give({}),
        ),
      transports: ["websocket", "polling"],
      reconnectionDelayMax: LONGEST_PAUSE_MS,
      tryAllTransports: true,
    });
    this.#socket = socket;
    socket.on("connect", () => void this.#sync());
    socket.on("disconnect", (/** @type {string} */ reason) => {
      this.#app.tell("line", { connected: false });
      // The server ended it: Socket.IO then leaves it to us.
      if (reason === "io server disconnect") setTimeout(() => socket.connect(), 1000 + Math.random() * 2000);
    });
    socket.on("connect_error", (/** @type {Error} */ error) => {
      this.#app.tell("line", { connected: false });
      if (!socket.active) setTimeout(() => socket.connect(), 3000 + Math.random() * 3000);
      if (error.message === "token_expired") void this.#app.api.getMe().catch(() => {}); // which renews it
    });
    socket.on("chat", (/** @type {any} */ event) => this.#take(event.room, event));
    socket.on("entry", (/** @type {any} */ event) => this.#take(event.room, event));
    for (const name of ["read", "unread", "typing", "presence"]) socket.on(name, (/** @type {any} */ event) => this.#app.tell(name, event));
    socket.on("renew", async () => socket.emit("renew", { token: await this.#app.session.accessToken() }));
    socket.on("draining", () => socket.disconnect().connect());
  }

  /** Says what is known of each room, and takes what was missed; as often as there is more. */
  async #sync() {
    try {
      for (let more = true; more; ) {
        const rooms = Object.fromEntries(this.#known);
        const told = await this.#ask("sync", { rooms });
        more = false;
        for (const [room, missed] of Object.entries(told.rooms ?? {})) {
          for (const entry of missed.entries) this.#take(room, entry);
          more ||= missed.more && missed.entries.length > 0;
        }
      }
      this.#app.tell("line", { connected: true });
    } catch {
      // Refused or no answer: the next connection tries again.
      this.#app.tell("line", { connected: false });
    }
  }

  /** @param {string} room @param {LogEntry} entry */
  #take(room, entry) {
    this.know(room, entry.seq);
    const isMessage = entry.kind === "text" || entry.kind === "image";
    this.#app.tell("entry", { room, entry });
    if (isMessage) this.#app.tell("message", { room, entry, own: entry.sender === this.#userId });
  }

  /** Notes how far a room is known. @param {string} room @param {number} seq */
  know(room, seq) {
    if (seq > (this.#known.get(room) ?? -1)) this.#known.set(room, seq);
  }

  /** @param {string} room @param {number} seq */
  read(room, seq) {
    return this.#ask("read", { room, seq });
  }

  /** @param {string} room @param {boolean} typing */
  typing(room, typing) {
    if (this.isConnected) this.#socket.volatile.emit("typing", { room, typing });
  }

  /** @param {string} event @param {object} data @returns {Promise<any>} */
  async #ask(event, data) {
    const told = await this.#socket.timeout(ACK_MS).emitWithAck(event, data);
    if (typeof told?.code === "string" && typeof told.message === "string") throw new Error(told.code);
    return told;
  }
}
