// @ts-check
// Puts the page together: which view is showing, and what each button leads to.

import { Account } from "./account.js";
import { adviceFor, adviceForAnalysis } from "./advice.js";
import { Api, isFinished } from "../client/api.js";
import { byId, focusOn, make, paint, show } from "./dom.js";
import { watchAnalysis } from "../client/events.js";
import { PastResults } from "./history.js";
import { ApiError } from "../client/http.js";
import { Notifications } from "./notify.js";
import { words } from "./page-words.js";
import { watchForPhotos } from "./picker.js";
import { ProfileDialog } from "./profile.js";
import { queueWords } from "./readings.js";
import { renderResult } from "./result.js";
import { SEASONS, seasonName } from "./seasons.js";
import { localTokenStore, Session } from "../client/session.js";
import { Stage } from "./stage.js";
import { checkPhoto, submitPhotos } from "../client/upload.js";
import { idOf } from "./words.js";

/** @typedef {import("../client/api.js").Analysis} Analysis */

/** A queue that moves every second should not talk every second. */
const QUIET_MS = 8000;
/** Photos that one analysis combines. */
const MOST_PHOTOS = 5;
/** How often the list looks after analyses that were left to finish by themselves. */
const LOOK_AFTER_MS = 10_000;

const session = new Session({ store: localTokenStore("toneup.session"), onLost: sessionLost });
const api = new Api({ session });
const past = new PastResults({ api });
const account = new Account({ api, session, announce, onChange: someoneElse });
const notifications = new Notifications({ api, announce, onOpen: (id) => (location.hash = id) });
const stage = new Stage({ announce, onRemove: removePhoto, onSubmit: submit, onCancel: toChoose, onRetry: retry });

/** @typedef {{ photo: File, contentType: string, url: string }} Held */
/** The photos in hand, of one person. @type {Held[]} */
let photos = [];
/** The analysis that they became. @type {string | null} */
let analysisId = null;
/** What is going on now; aborted when the person turns to something else. */
let task = new AbortController();
/** The analysis on show. @type {string | null} */
let openId = null;
/** Whether the problem on show is only that the view of `openId` broke off. */
let watchBroke = false;
let queueSaidAtMs = 0;

/** Fires `wake` when a pause has lost its reason: the network is back, or the person is. */
const wake = new EventTarget();
addEventListener("online", () => wake.dispatchEvent(new Event("wake")));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) wake.dispatchEvent(new Event("wake"));
});

/** @param {string} text */
function announce(text) {
  const status = byId("status");
  if (status.textContent !== text) status.textContent = text;
}

function sessionLost() {
  past.clear();
  void notifications.resume(); // for the new session
  byId("notice-text").textContent = words.say("results-hidden");
  show(byId("notice"), true);
  announce(byId("notice-text").textContent ?? "");
}

/** Somebody has signed in or out. */
function someoneElse() {
  past.clear();
  toChoose();
  if (!session.exists) return;
  void notifications.resume();
  void refreshPast();
}

/** Forgets the person, of whom the server knows nothing any more either. */
function forget() {
  session.forget();
  past.clear();
  toChoose();
  void account.resume();
}

/** @param {"start" | "result"} view */
function showView(view) {
  document.body.dataset.view = view;
  if (view === "start") for (let at = 1; at <= 5; at += 1) document.body.style.removeProperty(`--p${at}`);
  show(byId("start"), view === "start");
  show(byId("result"), view === "result");
}

/** Ends what was going on and makes way for something new. */
function begin() {
  task.abort(new DOMException("Something newer has begun", "AbortError"));
  task = new AbortController();
  void notifications.setWaiting(false);
  return task.signal;
}

/** @param {string | null} id */
function remember(id) {
  openId = id;
  past.markOpen(id);
  const wanted = id ? `#${id}` : "";
  if (location.hash !== wanted) history.pushState(null, "", wanted || location.pathname);
}

function setTitle(/** @type {string} */ text) {
  document.title = text ? `${text} · ToneUp` : words.say("page-title");
}

/** @param {Held[]} held */
function holdPhotos(held) {
  for (const photo of photos) if (!held.includes(photo)) URL.revokeObjectURL(photo.url);
  photos = held;
  analysisId = null;
  stage.setPhoto(photos[0]?.url ?? null);
}

/** @param {string} [say] what has just happened */
function showReady(say) {
  const thumbnails = photos.map(({ photo, url }) => ({ url, name: photo.name || words.say("unnamed-photo") }));
  const what = photos.length === 1 ? thumbnails[0].name : words.say("photos-of-you", { count: photos.length });
  const text = `${what}, ${words.size(totalSize())}`;
  stage.showReady(thumbnails, { text, full: photos.length >= MOST_PHOTOS, say });
}

function totalSize() {
  return photos.reduce((sum, { photo }) => sum + photo.size, 0);
}

/** @param {number} index */
function removePhoto(index) {
  holdPhotos(photos.filter((_, at) => at !== index));
  showReady(words.say("photo-removed", { number: index + 1 }));
}

function toChoose() {
  begin();
  remember(null);
  holdPhotos([]);
  showView("start");
  stage.showChoose();
  setTitle("");
  byId("choose").focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

/** @param {File} file @param {boolean} adding to the photos in hand */
async function photoChosen(file, adding) {
  begin();
  remember(null);
  if (past.unfinished) void refreshPast();
  showView("start");
  setTitle("");
  try {
    const contentType = await checkPhoto(file);
    const others = adding ? photos : [];
    holdPhotos([...others, { photo: file, contentType, url: URL.createObjectURL(file) }]);
    showReady();
  } catch (error) {
    // What is no photo is not added; those in hand stay.
    if (adding && error instanceof ApiError) return showReady(adviceFor(words, error).title);
    holdPhotos([]);
    showProblem(error);
  }
}

async function submit() {
  if (photos.length === 0) return toChoose();
  const signal = begin();
  remember(null);
  showView("start");
  const title = words.say("uploading-photos", { count: photos.length });
  setTitle(title);
  stage.setUploaded(0);
  stage.showWorking("upload", { title, detail: words.size(totalSize()) });
  try {
    const analysis = await submitPhotos(api, photos, {
      signal,
      onProgress: (fraction) => {
        if (!signal.aborted) stage.setUploaded(fraction);
      },
      onWait: ({ seconds, error }) => stage.showWorking("upload", waitWords(seconds, error)),
    });
    if (signal.aborted) return;
    analysisId = analysis.id;
    remember(analysis.id);
    await watch(analysis, signal);
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  }
}

/** Sends the photo in hand once more, or watches on when it had been submitted and only the line broke. */
function retry() {
  if (openId && watchBroke) void open(openId);
  else void submit();
}

/**
 * @param {number} seconds
 * @param {ApiError} error
 */
function waitWords(seconds, error) {
  const title = words.say(error.status === 0 ? "connection-shaky" : "advice-overloaded.title");
  return { title, detail: words.say("trying-again", { duration: words.duration(seconds) }) };
}

/**
 * Shows an analysis until it is finished, and then what came of it.
 *
 * @param {Analysis} analysis
 * @param {AbortSignal} signal
 */
async function watch(analysis, signal) {
  queueSaidAtMs = 0;
  showState(analysis);
  if (!isFinished(analysis)) {
    void refreshPast();
    /** @type {Analysis} */
    let latest = analysis;
    analysis = await watchAnalysis(api, analysis.id, {
      signal,
      wake,
      onAnalysis: (news) => {
        if (signal.aborted) return;
        latest = news;
        if (!isFinished(news)) showState(news);
      },
      onConnection: (connection) => {
        if (!signal.aborted && connection === "reconnecting") showReconnecting(latest);
      },
    });
  }
  if (signal.aborted) return;
  showOutcome(analysis);
  void refreshPast();
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let nextLook;

/** Brings the list up to date, and again later while something in it is still on its way unwatched. */
async function refreshPast() {
  clearTimeout(nextLook);
  try {
    await past.refresh();
  } catch {
    // The list is a convenience; whatever is wrong will be said when a photo is sent.
  }
  const left = past.unfinished;
  if (left && left.id !== openId) nextLook = setTimeout(refreshPast, LOOK_AFTER_MS);
}

/** @param {Analysis} analysis */
function showState(analysis) {
  if (isFinished(analysis)) return;
  showView("start");
  void notifications.setWaiting(true);
  if (analysis.status === "running") {
    const title = words.say("reading");
    setTitle(title);
    return stage.showWorking("running", { title, detail: words.say("reading-text") });
  }
  const { title, detail } = queueWords(words, analysis);
  const say = Date.now() - queueSaidAtMs > QUIET_MS;
  if (say) queueSaidAtMs = Date.now();
  setTitle(title);
  const retrying = (analysis.attempt ?? 0) > 0;
  stage.showWorking("queued", { title, detail: retrying ? words.say("queue-again") : detail, say });
}

/** @param {Analysis} analysis */
function showReconnecting({ status }) {
  stage.showWorking(status === "running" ? "running" : "queued", {
    title: words.say("connecting-again"),
    detail: words.say("connecting-again-text"),
  });
}

/** @param {Analysis} analysis */
function showOutcome(analysis) {
  void notifications.setWaiting(false);
  if (analysis.status !== "succeeded" || !analysis.result) {
    watchBroke = false;
    showView("start");
    setTitle(words.say("history-none"));
    return stage.showProblem(adviceForAnalysis(words, analysis), { canRetry: analysisId === analysis.id });
  }
  const measured = analysisId === analysis.id ? photos[analysis.result.clearest ?? 0] : undefined;
  const sentence = renderResult(analysis, measured?.url ?? null);
  showView("result");
  setTitle(byId("result-title").textContent ?? "");
  scrollTo({ top: 0 });
  focusOn(byId("result-title"));
  announce(sentence);
}

/** @param {unknown} error */
function showProblem(error) {
  const problem = error instanceof ApiError ? error : new ApiError({ code: "unexpected", cause: error });
  if (!(error instanceof ApiError)) console.error(error);
  watchBroke = openId !== null;
  showView("start");
  setTitle("");
  const reference = problem.status >= 500 && problem.traceId ? problem.traceId : "";
  stage.showProblem(adviceFor(words, problem), { canRetry: photos.length > 0 || watchBroke, reference });
}

/**
 * Shows the analysis that the address names: after a reload, from the history list, by the back button.
 *
 * @param {string} id
 */
async function open(id) {
  const signal = begin();
  remember(id);
  const known = past.find(id);
  if (photos.length > 0 && analysisId !== id) holdPhotos([]);
  try {
    if (known && isFinished(known)) return showOutcome(known);
    showView("start");
    stage.showWorking("queued", { title: words.say("one-moment"), detail: words.say("fetching") });
    const analysis = await api.getAnalysis(id, { signal });
    if (!signal.aborted) await watch(analysis, signal);
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  }
}

function addressed() {
  return /^#[0-9a-f-]{36}$/i.test(location.hash) ? location.hash.slice(1) : null;
}

function addressChanged() {
  const id = addressed();
  if (id === openId) return;
  if (id) void open(id);
  else if (location.hash === "") toChoose();
}

function renderSeasons() {
  byId("season-list").replaceChildren(
    ...Object.entries(SEASONS).map(([season, colours]) => {
      const id = idOf("season", season);
      const band = make("span", { class: "season-band", "aria-hidden": "true" });
      colours.forEach((hex, at) => paint(band, { [`--c${at + 1}`]: hex }));
      const [essence, about] = [words.say(`${id}.essence`), words.say(`${id}.about`)];
      return make("li", { class: "season" }, band, make("h3", {}, seasonName(words, season)), make("p", { class: "essence" }, essence), make("p", { class: "quiet" }, about));
    }),
  );
}

async function start() {
  renderSeasons();
  new ProfileDialog({ api, onDeleted: forget });
  stage.setPhoto(null);
  watchForPhotos(photoChosen, () => stage.panel !== "working" || byId("start").hidden);
  byId("again").addEventListener("click", toChoose);
  byId("notice-close").addEventListener("click", () => show(byId("notice"), false));
  byId("history-list").addEventListener("click", ({ target }) => {
    // The one on show already: no new address, so nothing else would happen.
    const link = target instanceof Element ? target.closest("a") : null;
    if (link?.hash === `#${openId}`) focusOn(byId("result").hidden ? byId("stage") : byId("result-title"));
  });
  byId("history-link").addEventListener("click", (event) => {
    event.preventDefault(); // the part after the # is for the analysis on show
    focusOn(byId("history"), "start");
  });
  byId("home").addEventListener("click", (event) => {
    event.preventDefault();
    toChoose();
  });
  addEventListener("popstate", addressChanged); // also fires when a link changes the part after the #
  void account.resume();
  const id = addressed();
  if (id) void open(id);
  if (!session.exists) return;
  void notifications.resume();
  await refreshPast();
  const unfinished = past.unfinished;
  if (unfinished && !openId && stage.panel === "choose") void open(unfinished.id);
}

void start();
