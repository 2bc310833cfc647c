// @ts-check
/// <reference lib="webworker" />
// Shows what the server pushes, also when no page is open, and leads back to the page; keeps the files of the page for when
// there is no network. Served at the root: a worker's scope is its folder. The server writes the same words for phones, and puts
// the list of files before this script, so that each release is another worker.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** The files of this release; the API is not among them. @type {{ version: string, files: string[] }} */
const SHELL = /** @type {any} */ (self).SHELL ?? { version: "", files: [] };
const CACHE = `shell-${SHELL.version}`;
/** A network that has not answered by then is as good as none. */
const PATIENCE_MS = 4000;

/**
 * @typedef {object} Words
 * @property {(name: string) => string} season
 * @property {string} seasonBody
 * @property {string} failed
 * @property {string} failedBody
 * @property {string} unknown
 * @property {Record<string, string>} names of the seasons
 * @property {(name: string, others: number) => string} others
 * @property {(name: string, times: number) => string} messages
 * @property {Record<string, [one: string, many: string]>} notices
 * @property {string} noticeBody
 */

/** @type {Record<"en" | "ko", Words>} */
const WORDS = {
  en: {
    season: (name) => `Your season is ${name}`,
    seasonBody: "Open ToneUp to see the colours that suit you.",
    failed: "Your photo could not be read",
    failedBody: "Open ToneUp to see why, and try again.",
    unknown: "There is news from ToneUp",
    names: { SPRING: "Spring", SUMMER: "Summer", AUTUMN: "Autumn", WINTER: "Winter" },
    others: (name, others) => (others === 0 ? name : others === 1 ? `${name} and 1 other` : `${name} and ${others} others`),
    messages: (name, times) => (times > 1 ? `${name}: ${times} new messages` : `${name} sent you a message`),
    notices: {
      "post.liked": [" likes your post", " like your post"],
      "post.commented": [" commented on your post", " commented on your post"],
      "post.mentioned": [" mentioned you in a post", " mentioned you in a post"],
      "comment.liked": [" likes your comment", " like your comment"],
      "comment.replied": [" replied to your comment", " replied to your comment"],
      "comment.mentioned": [" mentioned you in a comment", " mentioned you in a comment"],
      "person.followed": [" follows you", " follow you"],
    },
    noticeBody: "Open ToneUp to see it.",
  },
  ko: {
    season: (name) => `당신의 계절은 ${name}이에요`,
    seasonBody: "ToneUp에서 나에게 어울리는 색을 확인해 보세요.",
    failed: "사진을 분석하지 못했어요",
    failedBody: "ToneUp에서 이유를 확인하고 다시 시도해 주세요.",
    unknown: "ToneUp에 새로운 소식이 있어요",
    names: { SPRING: "봄", SUMMER: "여름", AUTUMN: "가을", WINTER: "겨울" },
    others: (name, others) => (others === 0 ? `${name}님` : `${name}님 외 ${others}명`),
    messages: (name, times) => (times > 1 ? `${name}님: 새 메시지 ${times}개` : `${name}님이 메시지를 보냈어요`),
    notices: {
      "post.liked": ["이 내 게시물을 좋아해요", "이 내 게시물을 좋아해요"],
      "post.commented": ["이 내 게시물에 댓글을 남겼어요", "이 내 게시물에 댓글을 남겼어요"],
      "post.mentioned": ["이 게시물에서 나를 언급했어요", "이 게시물에서 나를 언급했어요"],
      "comment.liked": ["이 내 댓글을 좋아해요", "이 내 댓글을 좋아해요"],
      "comment.replied": ["이 내 댓글에 답글을 남겼어요", "이 내 댓글에 답글을 남겼어요"],
      "comment.mentioned": ["이 댓글에서 나를 언급했어요", "이 댓글에서 나를 언급했어요"],
      "person.followed": ["이 나를 팔로우해요", "이 나를 팔로우해요"],
    },
    noticeBody: "ToneUp에서 확인해 보세요.",
  },
};

/** The first of the person's languages that there are words in. */
function language() {
  const wanted = (worker.navigator.languages ?? []).map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => tag === "ko" || tag === "en") === "ko" ? "ko" : "en";
}

/** @param {PushMessageData | null} data */
function read(data) {
  try {
    const { id, type, analysisId, season, status, noticeId, subjectId, actor, others, times } = data?.json() ?? {};
    const told = { type: String(type), noticeId, subjectId: String(subjectId ?? ""), actor: String(actor ?? ""), others: Number(others ?? 0), times: Number(times ?? 1) };
    const notice = typeof noticeId === "string" ? told : null;
    return { id: String(id ?? ""), analysisId: String(analysisId ?? ""), season, status, notice };
  } catch {
    return { id: "", analysisId: "", notice: null };
  }
}

/** @typedef {ReturnType<typeof read>} Message */

/** @param {Message} message @param {Words} words @returns {[title: string, body: string]} */
function wording({ season, status, notice }, words) {
  if (notice?.type === "chat.message") return [words.messages(notice.actor, notice.times), words.noticeBody];
  const what = notice && words.notices[notice.type];
  if (notice && what) return [words.others(notice.actor, notice.others) + what[notice.others > 0 ? 1 : 0], words.noticeBody];
  const name = words.names[season];
  if (name) return [words.season(name), words.seasonBody];
  return status ? [words.failed, words.failedBody] : [words.unknown, ""];
}

/** Where in the product's page a notice leads; null for news of an analysis, which have a page of their own. @param {Message["notice"]} notice */
function placeOf(notice) {
  if (!notice) return null;
  const [kind] = notice.type.split(".");
  if (kind === "chat") return `/app#/room/${notice.subjectId}`;
  if (kind === "post" || kind === "comment") return `/app#/${kind}/${notice.subjectId}`;
  return "/app#/notices";
}

/** @param {Message} message */
async function show(message) {
  const { id, analysisId, notice } = message;
  const lang = language();
  const [title, body] = wording(message, WORDS[lang]);
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  await worker.registration.showNotification(title, {
    body,
    lang,
    // The same again replaces what is there, without a sound: an event, or what a notice has come to.
    tag: notice?.noticeId ?? (id || "toneup"),
    icon: "/assets/icon.svg",
    silent: pages.some(({ visibilityState }) => visibilityState === "visible"),
    data: { analysisId, place: placeOf(notice) },
  });
}

/** Whether a window shows the product's page, and not the analysis'. @param {{ url: string }} page */
const isApp = ({ url }) => new URL(url).pathname === "/app";

/** @param {{ analysisId?: string, place?: string | null }} data */
async function open({ analysisId = "", place = null }) {
  const all = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const pages = all.filter((page) => isApp(page) === (place !== null));
  const page = pages.find(({ visibilityState }) => visibilityState === "visible") ?? pages[0];
  if (!page) return worker.clients.openWindow(place ?? (analysisId ? `/#${analysisId}` : "/"));
  page.postMessage(place ? { type: "go", place } : { type: "open", analysisId });
  // A browser that does not allow it now has shown the page already, or never will.
  return page.focus().catch(() => undefined);
}

/** Fetches all files of the release: kept as a whole, or not at all. */
async function keepShell() {
  if (SHELL.files.length === 0) return;
  const cache = await caches.open(CACHE);
  await cache.addAll(SHELL.files);
}

/** Drops the files of other releases. */
async function dropOthers() {
  if (!globalThis.caches) return;
  const names = (await caches.keys()).filter((name) => name.startsWith("shell-") && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** The network first, so that a new release shows at once; what is kept, where there is none. @param {Request} request */
async function answer(request) {
  // The pages vary by language; they are kept in the one that this browser asked for.
  const kept = () => caches.match(request, { cacheName: CACHE, ignoreSearch: true, ignoreVary: true });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let late;
  const patience = new Promise((resolve) => (late = setTimeout(resolve, PATIENCE_MS)));
  try {
    const network = fetch(request);
    const first = await Promise.race([network, patience.then(kept)]);
    return first ?? (await network);
  } catch (error) {
    const found = await kept();
    if (found) return found;
    throw error;
  } finally {
    clearTimeout(late);
  }
}

const FILES = new Set(SHELL.files);

worker.addEventListener("install", (event) => event.waitUntil(keepShell().then(() => worker.skipWaiting())));
worker.addEventListener("activate", (event) => event.waitUntil(dropOthers()));
worker.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method === "GET" && origin === worker.location.origin && FILES.has(pathname)) event.respondWith(answer(event.request));
});
worker.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data ?? {}));
});
// The browser changed its address. The page registers the new one at its next visit: the session is the page's.
worker.addEventListener("pushsubscriptionchange", (/** @type {any} */ event) => {
  const options = event.oldSubscription?.options;
  if (options && !event.newSubscription) event.waitUntil(worker.registration.pushManager.subscribe(options));
});
