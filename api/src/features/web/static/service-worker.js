// @ts-check
/// <reference lib="webworker" />
// Shows what the server pushes, also when no page is open, and leads back to the page. Served at the root: a worker's
// scope is its folder. The server writes the same words for phones.

const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

/** @typedef {{ season: (name: string) => string, seasonBody: string, failed: string, failedBody: string, unknown: string, names: Record<string, string> }} Words */

/** @type {Record<"en" | "ko", Words>} */
const WORDS = {
  en: {
    season: (name) => `Your season is ${name}`,
    seasonBody: "Open ToneUp to see the colours that suit you.",
    failed: "Your photo could not be read",
    failedBody: "Open ToneUp to see why, and try again.",
    unknown: "There is news from ToneUp",
    names: { SPRING: "Spring", SUMMER: "Summer", AUTUMN: "Autumn", WINTER: "Winter" },
  },
  ko: {
    season: (name) => `당신의 계절은 ${name}이에요`,
    seasonBody: "ToneUp에서 나에게 어울리는 색을 확인해 보세요.",
    failed: "사진을 분석하지 못했어요",
    failedBody: "ToneUp에서 이유를 확인하고 다시 시도해 주세요.",
    unknown: "ToneUp에 새로운 소식이 있어요",
    names: { SPRING: "봄", SUMMER: "여름", AUTUMN: "가을", WINTER: "겨울" },
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
    const { id, analysisId, season, status } = data?.json() ?? {};
    return { id: String(id ?? ""), analysisId: String(analysisId ?? ""), season, status };
  } catch {
    return { id: "", analysisId: "" };
  }
}

/** @param {ReturnType<typeof read>} notice */
async function show({ id, analysisId, season, status }) {
  const lang = language();
  const words = WORDS[lang];
  const name = words.names[season];
  const [title, body] = name
    ? [words.season(name), words.seasonBody]
    : status
      ? [words.failed, words.failedBody]
      : [words.unknown, ""];
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  await worker.registration.showNotification(title, {
    body,
    lang,
    // The same id again replaces what is there, without a sound.
    tag: id || "toneup",
    icon: "/assets/icon.svg",
    silent: pages.some(({ visibilityState }) => visibilityState === "visible"),
    data: { analysisId },
  });
}

/** @param {string} analysisId */
async function open(analysisId) {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ visibilityState }) => visibilityState === "visible") ?? pages[0];
  if (!page) return worker.clients.openWindow(analysisId ? `/#${analysisId}` : "/");
  page.postMessage({ type: "open", analysisId });
  // A browser that does not allow it now has shown the page already, or never will.
  return page.focus().catch(() => undefined);
}

worker.addEventListener("install", () => void worker.skipWaiting());
worker.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.analysisId ?? ""));
});
// The browser changed its address. The page registers the new one at its next visit: the session is the page's.
worker.addEventListener("pushsubscriptionchange", (/** @type {any} */ event) => {
  const options = event.oldSubscription?.options;
  if (options && !event.newSubscription) event.waitUntil(worker.registration.pushManager.subscribe(options));
});
