// @ts-check
// The dashboard: signs an operator in, looks every two seconds while somebody looks at it, and asks before it acts.

import { AdminApi, isRefusal } from "./admin-api.js";
import { Chart } from "./admin-charts.js";
import { jobTable, jobView } from "./admin-jobs.js";
import { analyzerTable, deadTable, logTable, redraw, replicaTable, reportTable } from "./admin-tables.js";
import { clock, count, rate, short, span } from "./admin-words.js";
import { byId, make, show } from "./dom.js";

const LOOK_MS = 2000;
/** Dead letters, the log and the jobs are looked at less often. */
const LISTS_EVERY = 5;

const api = new AdminApi();
const charts = {
  queue: new Chart(byId("chart-queue"), [
    { key: "queued", label: "queued", tone: 1, filled: true },
    { key: "held", label: "held back", tone: 2 },
    { key: "running", label: "running", tone: 3 },
  ], count),
  throughput: new Chart(byId("chart-throughput"), [{ key: "perSecond", label: "jobs per second", tone: 3, filled: true }], rate),
  latency: new Chart(byId("chart-latency"), [
    { key: "p50Seconds", label: "half within", tone: 1, filled: true },
    { key: "p95Seconds", label: "95 % within", tone: 2 },
  ], span),
  analyzers: new Chart(byId("chart-analyzers"), [
    { key: "inFlight", label: "in flight", tone: 3, filled: true },
    { key: "limit", label: "limit", tone: 2, dashed: true },
    { key: "capacity", label: "capacity", tone: 1, dashed: true },
  ], count),
};

/** @type {any[]} */
let samples = [];
/** @type {any} */
let overview = null;
/** @type {any[]} */
let letters = [];
const chosen = new Set();
/** @type {any[]} */
let jobs = [];
let criteria = {};
let looks = 0;
/** Whether the notice says that looking failed: then it goes when looking works again. */
let blind = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let clockwork;

/** @param {unknown} error */
function complain(error) {
  if (isRefusal(error)) return signOut(/** @type {Error} */ (error).message);
  tell(error instanceof Error ? error.message : String(error));
}

/** @param {string} text nothing hides the notice */
function tell(text) {
  byId("notice").textContent = text;
  show(byId("notice"), text !== "");
}

/**
 * Asks before something is done. Resolves to whether it shall be.
 *
 * @param {string} question @param {string} detail @param {string} verb @param {boolean} [danger]
 */
function confirmed(question, detail, verb, danger = false) {
  const dialog = /** @type {HTMLDialogElement} */ (byId("confirm"));
  byId("confirm-text").textContent = question;
  byId("confirm-detail").textContent = detail;
  const yes = byId("confirm-yes");
  yes.textContent = verb;
  yes.className = danger ? "danger" : "primary";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Does what was confirmed, and looks at what came of it. @param {() => Promise<any>} deed */
async function act(deed) {
  try {
    const answer = await deed();
    tell("");
    await look(true);
    return answer;
  } catch (error) {
    complain(error);
    return null;
  }
}

async function toggleIntake() {
  const pausing = !overview.intake.paused;
  const detail = pausing
    ? "Workers finish what they have. Everything else stays in the queue until somebody resumes."
    : "Workers take jobs again at once.";
  const question = pausing ? "Pause the intake of all workers?" : "Resume the intake?";
  if (await confirmed(question, detail, pausing ? "Pause" : "Resume", pausing)) await act(() => api.setIntake(pausing));
}

/** @param {any} replica */
async function drain(replica) {
  const detail = `${replica.program} ${replica.id} finishes what it has and ends. Whatever started it may start another.`;
  if (await confirmed(`Drain the ${replica.program} on ${replica.host}?`, detail, "Drain", true)) await act(() => api.drain(replica.id));
}

/** @param {"replay" | "drop"} verb */
async function treat(verb) {
  const numbers = [...chosen];
  const replay = verb === "replay";
  const detail = replay ? "Their jobs are tried again with all attempts; owners hear of the new outcome." : "Their jobs stay as they are.";
  const question = `${replay ? "Replay" : "Drop"} ${numbers.length === 1 ? "this dead letter" : `${numbers.length} dead letters`}?`;
  if (!(await confirmed(question, detail, replay ? "Replay" : "Drop", !replay))) return;
  chosen.clear();
  const treated = await act(() => api.treatDeadLetters(verb, numbers));
  if (treated?.left) tell(`${treated.left} could not be replayed: unreadable, or ended otherwise.`);
}

/** @param {any} report @param {"removed" | "dismissed"} outcome */
async function closeReport(report, outcome) {
  const removing = outcome === "removed";
  const question = removing ? `Remove this ${report.kind}?` : "Dismiss this report?";
  const detail = removing ? "It is deleted for everybody; there is no way back." : "Everything stays as it is.";
  if (await confirmed(question, detail, removing ? "Remove" : "Dismiss", removing)) await act(() => api.closeReport(report.id, outcome));
}

/** @param {string} id */
async function openJob(id) {
  try {
    const job = await api.job(id);
    if (!api.token) return;
    drawJob(job);
    const dialog = /** @type {HTMLDialogElement} */ (byId("job"));
    if (!dialog.open) dialog.showModal();
  } catch (error) {
    complain(error);
  }
}

/** @param {any} job */
function drawJob(job) {
  byId("job-title").textContent = `Job ${short(job.id)}`;
  redraw(byId("job-body"), jobView(job, async (verb) => {
    const cancel = verb === "cancel";
    const detail = cancel ? "Its owner is told that it was cancelled." : "It is tried again with all its attempts.";
    if (!(await confirmed(`${cancel ? "Cancel" : "Retry"} this job?`, detail, cancel ? "Cancel the job" : "Retry", cancel))) return;
    const steered = await act(() => api.steerJob(job.id, verb));
    if (steered) drawJob(steered);
  }));
}

function drawOverview() {
  const { now, intake } = overview;
  byId("operator").textContent = overview.operator;
  const pill = (/** @type {string} */ name, /** @type {boolean} */ well) =>
    make("li", { class: well ? "pill well" : "pill ill" }, `${name} ${well ? "connected" : "away"}`);
  byId("pills").replaceChildren(pill("broker", overview.broker), pill("redis", overview.hints), make("li", { class: "pill" }, `version ${overview.version}`));

  const by = intake.changedBy ? ` by ${intake.changedBy}, ${clock(intake.changedAt)}` : "";
  byId("intake").classList.toggle("paused", intake.paused);
  byId("intake-text").textContent = intake.paused ? `The intake is paused${by}.` : "Workers take jobs.";
  const toggle = byId("intake-button");
  toggle.textContent = intake.paused ? "Resume intake" : "Pause intake";
  toggle.className = intake.paused ? "primary" : "quiet";

  const workers = overview.replicas?.filter((/** @type {any} */ { program }) => program === "worker").length;
  const tile = (/** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ more, warn = false) =>
    make("div", { class: warn ? "tile warn" : "tile" }, make("dt", {}, name), make("dd", {}, value, make("span", {}, more)));
  byId("tiles").replaceChildren(
    tile("Queue", count(now.queued), `${count(now.held)} held back, ${count(now.running)} running`),
    tile("Oldest waits", now.oldestSeconds ? span(now.oldestSeconds) : "–", `${count(now.due)} overdue`),
    tile("Throughput", rate(now.perSecond), "jobs per second"),
    tile("Latency", span(now.p50Seconds), `95 % within ${span(now.p95Seconds)}`),
    tile("At the analyzers", count(now.inFlight), `limit ${count(now.limit)}, capacity ${now.capacity === null ? "not told" : count(now.capacity)}`),
    tile("Workers", count(workers), `${count(overview.desiredWorkers)} of use`, workers === 0),
    tile("Dead letters", count(now.deadLetters), now.deadLetters ? "need a look" : "none", now.deadLetters > 0),
  );
  redraw(byId("replicas"), replicaTable(overview.replicas, drain));
  redraw(byId("analyzers"), analyzerTable(overview.analyzers));
}

function drawDead() {
  const there = new Set(letters.map(({ number }) => number));
  for (const number of chosen) if (!there.has(number)) chosen.delete(number);
  redraw(byId("dead"), deadTable(letters, chosen, drawDead, openJob));
  for (const id of ["dead-replay", "dead-drop"]) byId(id).toggleAttribute("disabled", chosen.size === 0);
}

/** @param {boolean} [older] the next page, below what is there */
async function searchJobs(older = false) {
  const cursor = older ? { cursor: jobs.at(-1)?.id ?? "" } : {};
  try {
    const page = await api.jobs({ ...criteria, ...cursor });
    if (!api.token) return;
    jobs = older ? [...jobs, ...page.items] : page.items;
    show(byId("jobs-more"), page.nextCursor !== null);
    redraw(byId("jobs"), jobTable(jobs, openJob));
    tell("");
  } catch (error) {
    complain(error);
  }
}

/** @param {boolean} [lists] also at what is looked at less often */
async function look(lists = looks % LISTS_EVERY === 0) {
  const since = samples.at(-1)?.at ?? 0;
  const [seen, series, dead, log, reports] = await Promise.all([
    api.overview(),
    api.series(since),
    lists ? api.deadLetters() : null,
    lists ? api.actions() : null,
    lists ? api.reports() : null,
  ]);
  // Signed out meanwhile.
  if (!api.token) return;
  looks += 1;
  overview = seen;
  // Behind a load balancer the next answer may be another replica's: never two samples of one moment.
  samples = [...samples, ...series.items.filter((/** @type {any} */ { at }) => at > since)].slice(-400);
  drawOverview();
  for (const chart of Object.values(charts)) chart.show(samples);
  if (dead) {
    letters = dead.items;
    drawDead();
  }
  if (log) redraw(byId("log"), logTable(log.items));
  if (reports) redraw(byId("reports"), reportTable(reports.items, closeReport));
}

async function keepLooking() {
  clearTimeout(clockwork);
  if (document.hidden || !api.token) return;
  try {
    await look();
    if (blind) tell("");
    blind = false;
  } catch (error) {
    complain(error);
    blind = true;
  }
  if (api.token) clockwork = setTimeout(keepLooking, LOOK_MS);
}

/** Leaves nothing of what was seen on the page: the next at this screen may be somebody else. */
function forget() {
  [samples, letters, jobs, overview, criteria, looks] = [[], [], [], null, {}, 0];
  chosen.clear();
  /** @type {HTMLFormElement} */ (byId("search")).reset();
  for (const id of ["operator", "intake-text", "confirm-text", "confirm-detail", "job-title"]) byId(id).textContent = "";
  for (const id of ["pills", "tiles", "replicas", "analyzers", "dead", "reports", "jobs", "log", "job-body"]) byId(id).replaceChildren();
  for (const chart of Object.values(charts)) chart.show([]);
}

/** @param {string} why */
function signOut(why) {
  clearTimeout(clockwork);
  api.token = "";
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  forget();
  show(byId("board"), false);
  show(byId("session"), false);
  show(byId("sign-in"), true);
  tell(why);
  byId("token").focus();
}

async function open() {
  try {
    await look(true);
  } catch (error) {
    if (isRefusal(error)) return signOut(/** @type {Error} */ (error).message);
    complain(error);
  }
  show(byId("sign-in"), false);
  show(byId("board"), true);
  show(byId("session"), true);
  await searchJobs();
  clockwork = setTimeout(keepLooking, LOOK_MS);
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = /** @type {HTMLInputElement} */ (byId("token"));
  api.token = field.value;
  field.value = "";
  tell("");
  void open();
});
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
  criteria = Object.fromEntries([...form].map(([name, value]) => [name, String(value).trim()]));
  void searchJobs();
});
byId("jobs-more").addEventListener("click", () => void searchJobs(true));
byId("intake-button").addEventListener("click", () => void toggleIntake());
byId("dead-replay").addEventListener("click", () => void treat("replay"));
byId("dead-drop").addEventListener("click", () => void treat("drop"));
byId("sign-out").addEventListener("click", () => signOut(""));
document.addEventListener("visibilitychange", () => void keepLooking());

if (api.token) void open();
else signOut("");
