// @ts-check
// Puts the page together: which view is showing, and what each button leads to.

import { Account } from "./account.js";
import { Api, isFinished } from "../client/api.js";
import { byId, focusOn, make, paint, show } from "./dom.js";
import { watchAnalysis } from "../client/events.js";
import { PastResults } from "./history.js";
import { ApiError } from "../client/http.js";
import { Notifications } from "./notify.js";
import { watchForPhotos } from "./picker.js";
import { ProfileDialog } from "./profile.js";
import { renderResult } from "./result.js";
import { SEASONS } from "./seasons.js";
import { localTokenStore, Session } from "../client/session.js";
import { Stage } from "./stage.js";
import { checkPhoto, submitPhoto } from "../client/upload.js";
import { adviceFor, adviceForAnalysis, durationWords, queueWords } from "./words.js";

/** @typedef {import("../client/api.js").Analysis} Analysis */

/** A queue that moves every second should not talk every second. */
const QUIET_MS = 8000;
/** How often the list looks after analyses that were left to finish by themselves. */
const LOOK_AFTER_MS = 10_000;

const session = new Session({ store: localTokenStore("toneup.session"), onLost: sessionLost });
const api = new Api({ session });
const past = new PastResults({ api });
const account = new Account({ api, session, announce, onChange: someoneElse });
const notifications = new Notifications({ api, announce, onOpen: (id) => (location.hash = id) });
const stage = new Stage({ announce, onSubmit: submit, onCancel: toChoose, onRetry: retry });

/**
 * The photo in hand, and the analysis that it became.
 *
 * @type {{ file: File, contentType: string, url: string, analysisId: string | null } | null}
 */
let photo = null;
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
  byId("notice-text").textContent =
    "Your earlier session has ended, so your past results are no longer shown here. A new session has started.";
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
  document.title = text ? `${text} · ToneUp` : "ToneUp: find your season";
}

/** @param {File | null} file @param {string} [contentType] */
function holdPhoto(file, contentType = "") {
  if (photo) URL.revokeObjectURL(photo.url);
  photo = file && { file, contentType, url: URL.createObjectURL(file), analysisId: null };
  stage.setPhoto(photo?.url ?? null);
}

function toChoose() {
  begin();
  remember(null);
  holdPhoto(null);
  showView("start");
  stage.showChoose();
  setTitle("");
  byId("choose").focus({ preventScroll: true });
  scrollTo({ top: 0 });
}

/** @param {File} file */
async function photoChosen(file) {
  begin();
  remember(null);
  if (past.unfinished) void refreshPast();
  showView("start");
  setTitle("");
  try {
    holdPhoto(file, await checkPhoto(file));
    stage.showReady(`${file.name || "Your photo"}, ${sizeWords(file.size)}`);
  } catch (error) {
    holdPhoto(null);
    showProblem(error);
  }
}

async function submit() {
  if (!photo) return toChoose();
  const { file, contentType } = photo;
  const signal = begin();
  remember(null);
  showView("start");
  setTitle("Uploading");
  stage.setUploaded(0);
  stage.showWorking("upload", { title: "Uploading your photo", detail: sizeWords(file.size) });
  try {
    const analysis = await submitPhoto(api, file, {
      contentType,
      signal,
      onProgress: (fraction) => {
        if (!signal.aborted) stage.setUploaded(fraction);
      },
      onWait: ({ seconds, error }) => stage.showWorking("upload", waitWords(seconds, error)),
    });
    if (signal.aborted) return;
    photo.analysisId = analysis.id;
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
  const title = error.status === 0 ? "The connection is shaky" : "Many people are asking right now";
  return { title, detail: `Trying again by itself in ${durationWords(seconds)}` };
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
    setTitle("Reading your colours");
    return stage.showWorking("running", { title: "Reading your colours", detail: "This takes a few seconds." });
  }
  const words = queueWords(analysis);
  const say = Date.now() - queueSaidAtMs > QUIET_MS;
  if (say) queueSaidAtMs = Date.now();
  setTitle(words.title);
  const retrying = (analysis.attempt ?? 0) > 0;
  stage.showWorking("queued", { ...words, detail: retrying ? "The first try did not work out. We try again." : words.detail, say });
}

/** @param {Analysis} analysis */
function showReconnecting({ status }) {
  stage.showWorking(status === "running" ? "running" : "queued", {
    title: "Reconnecting",
    detail: "Your photo is safe with us. The result will appear here as soon as the connection is back.",
  });
}

/** @param {Analysis} analysis */
function showOutcome(analysis) {
  void notifications.setWaiting(false);
  if (analysis.status !== "succeeded" || !analysis.result) {
    watchBroke = false;
    showView("start");
    setTitle("No result");
    return stage.showProblem(adviceForAnalysis(analysis), { canRetry: photo?.analysisId === analysis.id });
  }
  const sentence = renderResult(analysis, photo?.analysisId === analysis.id ? photo.url : null);
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
  stage.showProblem(adviceFor(problem), { canRetry: photo !== null || watchBroke, reference });
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
  if (photo && photo.analysisId !== id) holdPhoto(null);
  try {
    if (known && isFinished(known)) return showOutcome(known);
    showView("start");
    stage.showWorking("queued", { title: "One moment", detail: "Fetching your analysis" });
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
    ...Object.values(SEASONS).map(({ name, essence, about, colours }) => {
      const band = make("span", { class: "season-band", "aria-hidden": "true" });
      colours.forEach((hex, at) => paint(band, { [`--c${at + 1}`]: hex }));
      return make("li", { class: "season" }, band, make("h3", {}, name), make("p", { class: "essence" }, essence), make("p", { class: "quiet" }, about));
    }),
  );
}

/** @param {number} bytes */
function sizeWords(bytes) {
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
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
