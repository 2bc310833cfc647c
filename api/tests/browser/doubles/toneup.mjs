// A ToneUp server in memory, reached by a `fetch` of its own: sessions, the history, and event streams that break where a
// test says. Its clock is a day behind, because a client must not compare it with its own.

const LATE_MS = 24 * 3600 * 1000;

/**
 * @typedef {object} Fault what happens to one event stream
 * @property {number} [cut] it breaks after so many bytes; -1: before its headers
 * @property {"silent" | "held"} [proxy] `silent`: headers and nothing else; `held`: not even headers
 */

export class FakeToneUp {
  /** Whether a stream names its position when it opens, as a lone `id`. */
  namesPosition = true;
  /** Requests, as `GET /v1/events 7` with the `Last-Event-ID`. @type {string[]} */
  asked = [];
  /** One for each stream, in order; those without one work. @type {Fault[]} */
  faults = [];
  /** The text of each stream so far. @type {string[]} */
  sent = [];
  /** Told when a stream has broken. @type {() => void} */
  onBreak = () => {};
  #analyses = new Map();
  #log = [];
  #open = new Set();
  #clock = Date.now() - LATE_MS;

  /** @param {string} id later ones sort behind earlier ones */
  submit(id) {
    this.#change(id, { id, status: "queued", version: 1, createdAt: this.#time(), finishedAt: null, result: null });
  }

  /** @param {string} id */
  finish(id) {
    const old = this.#analyses.get(id);
    this.#log.push(id);
    this.#change(id, { ...old, status: "succeeded", version: old.version + 1, finishedAt: this.#time() });
  }

  /** Breaks the streams that are open. */
  breakStreams() {
    for (const stream of [...this.#open]) stream.break();
  }

  get openStreams() {
    return this.#open.size;
  }

  /** @type {typeof fetch} */
  fetch = async (input, init = {}) => {
    const url = new URL(String(input), "http://toneup.test");
    const seen = new Headers(init.headers).get("last-event-id");
    this.asked.push(`${init.method} ${url.pathname}${seen === null ? "" : ` ${seen}`}`);
    await new Promise((resolve) => setTimeout(resolve));
    init.signal?.throwIfAborted();
    if (url.pathname === "/v1/sessions/guest") {
      return Response.json({ userId: "u", accessToken: "t", refreshToken: "r", expiresIn: 900 }, { status: 201 });
    }
    if (url.pathname === "/v1/analyses") return this.#list(url.searchParams);
    if (url.pathname.endsWith("/events")) return this.#stream(url.pathname, seen, init.signal);
    const analysis = this.#analyses.get(url.pathname.split("/").at(-1));
    return analysis ? Response.json(analysis) : Response.json({ code: "not_found" }, { status: 404 });
  };

  #time() {
    this.#clock += 1000;
    return new Date(this.#clock).toISOString();
  }

  #change(id, analysis) {
    this.#analyses.set(id, analysis);
    for (const stream of [...this.#open]) if (stream.of(id)) stream.write(this.#frame(id));
  }

  /** @param {string} id */
  #frame(id) {
    const number = this.#log.lastIndexOf(id) + 1;
    return `${number ? `id: ${number}\n` : ""}event: analysis\ndata: ${JSON.stringify(this.#analyses.get(id))}\n\n`;
  }

  /** @param {URLSearchParams} query */
  #list(query) {
    const limit = Number(query.get("limit"));
    const newest = [...this.#analyses.keys()].sort().reverse();
    const from = query.get("cursor") === null ? 0 : newest.indexOf(query.get("cursor")) + 1;
    const page = newest.slice(from, from + limit);
    const nextCursor = from + limit < newest.length ? page.at(-1) : null;
    return Response.json({ items: page.map((id) => this.#analyses.get(id)), nextCursor });
  }

  /** @param {string} path @param {string | null} seen @param {AbortSignal | null | undefined} signal */
  async #stream(path, seen, signal) {
    const { cut = Infinity, proxy } = this.faults.shift() ?? {};
    if (proxy === "held") await new Promise((_, fail) => signal?.addEventListener("abort", () => fail(signal.reason)));
    const one = path.match(/^\/v1\/analyses\/(.+)\/events$/)?.[1];
    const at = this.sent.push("") - 1;
    const encoder = new TextEncoder();
    let left = cut;
    /** @type {ReadableStreamDefaultController<Uint8Array>} */
    let controller;
    const body = new ReadableStream({ start: (made) => void (controller = made) });
    const stream = {
      of: (id) => one === undefined || id === one,
      write: (text) => {
        if (proxy === "silent") return;
        this.sent[at] += text;
        const bytes = encoder.encode(text).subarray(0, Math.max(0, left));
        if (bytes.length > 0) controller.enqueue(bytes);
        left -= encoder.encode(text).length;
        if (left < 0) stream.break();
      },
      break: () => {
        if (!this.#open.delete(stream)) return;
        // What was written before arrives before the line is found broken.
        setTimeout(() => controller.error(new TypeError("the line broke")), 1);
        this.onBreak();
      },
    };
    signal?.addEventListener("abort", () => this.#open.delete(stream) && controller.error(signal.reason));
    this.#open.add(stream);
    if (this.namesPosition && !one) stream.write(`id: ${seen ?? this.#log.length}\n\n`);
    const ends = seen === null ? [] : this.#log.slice(Number(seen));
    const active = [...this.#analyses.values()].filter(({ status }) => status === "queued").map(({ id }) => id);
    for (const id of one ? [one] : [...active, ...ends]) if (this.#open.has(stream)) stream.write(this.#frame(id));
    if (cut < 0) throw new TypeError("the line broke");
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}
