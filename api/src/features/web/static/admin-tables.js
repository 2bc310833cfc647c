// @ts-check
// The dashboard's tables: replicas, analyzers, dead letters, the log. They are drawn anew, and keep the focus.

import { make } from "./dom.js";
import { clock, short, span, words } from "./admin-words.js";

/**
 * A table, or a word that there is nothing.
 *
 * @param {string[]} titles
 * @param {(Node | string)[][]} rows
 * @param {string} nothing
 */
export function table(titles, rows, nothing) {
  if (rows.length === 0) return make("p", { class: "muted" }, nothing);
  const cell = (/** @type {Node | string} */ content) => make("td", {}, content);
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell)))),
  );
}

/** A state as a coloured word. @param {string} state */
export const badge = (state) => make("span", { class: `badge ${state}` }, words(state));

/**
 * A button whose table may be drawn anew while it has the focus: `name` finds it again.
 *
 * @param {string} text
 * @param {string} name
 * @param {() => void} onClick
 * @param {string} [look]
 */
export function button(text, name, onClick, look = "quiet") {
  const element = make("button", { type: "button", class: look, "data-name": name }, text);
  element.addEventListener("click", onClick);
  return element;
}

/**
 * Puts new content in place of the old, and the focus where it was.
 *
 * @param {HTMLElement} place
 * @param {Node} content
 */
export function redraw(place, content) {
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const name = /** @type {HTMLElement | null} */ (focused)?.dataset?.name;
  place.replaceChildren(content);
  if (name) /** @type {HTMLElement | null} */ (place.querySelector(`[data-name="${CSS.escape(name)}"]`))?.focus();
}

/**
 * @param {any[] | null} replicas
 * @param {(replica: any) => void} drain
 */
export function replicaTable(replicas, drain) {
  if (!replicas) return make("p", { class: "muted" }, "Redis is away: the replicas cannot be heard.");
  const now = Date.now();
  const rows = replicas.map((replica) => [
    replica.program,
    badge(replica.activity),
    replica.version,
    make("span", { title: replica.id }, replica.host),
    span((now - Date.parse(replica.startedAt)) / 1000),
    replica.load
      ? `${replica.load.inFlight} of ${replica.load.limit} at work, ${replica.load.waiting} waiting`
      : `${replica.streams ?? 0} streams`,
    replica.activity === "draining" ? "" : button("Drain", `drain-${replica.id}`, () => drain(replica)),
  ]);
  return table(["Program", "State", "Version", "Host", "Up", "Load", ""], rows, "Nobody has reported.");
}

/** @param {any[]} analyzers */
export function analyzerTable(analyzers) {
  const rows = analyzers.map((analyzer) => [
    analyzer.instance,
    badge(analyzer.breakerOpen ? "away" : "ready"),
    analyzer.slots === null ? "not told" : String(analyzer.slots),
    `${analyzer.inFlight} of ${analyzer.limit}`,
  ]);
  return table(["Instance", "State", "Slots", "In flight"], rows, "No worker knows of one.");
}

/**
 * @param {any[]} letters
 * @param {Set<number>} chosen
 * @param {() => void} onChoice
 * @param {(id: string) => void} open
 */
export function deadTable(letters, chosen, onChoice, open) {
  const rows = letters.map((letter) => {
    const box = /** @type {HTMLInputElement} */ (
      make("input", { type: "checkbox", "aria-label": `Dead letter ${letter.number}`, "data-name": `dead-${letter.number}` })
    );
    box.checked = chosen.has(letter.number);
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(letter.number);
      else chosen.delete(letter.number);
      onChoice();
    });
    return [
      box,
      clock(letter.createdAt),
      letter.reason,
      make("span", { class: "wrap" }, letter.message),
      letter.job ? button(short(letter.job), `letter-job-${letter.number}`, () => open(letter.job), "link") : "–",
    ];
  });
  return table(["", "Since", "Reason", "Message", "Job"], rows, "None.");
}

/**
 * @param {any[]} reports
 * @param {(report: any, outcome: "removed" | "dismissed") => void} close
 */
export function reportTable(reports, close) {
  const rows = reports.map((report) => [
    clock(report.createdAt),
    report.reason,
    make("span", { class: "wrap" }, report.description),
    make("span", { title: report.targetId }, `${report.kind} ${short(report.targetId)}`),
    make("span", { class: "wrap" }, report.text ?? "–"),
    make(
      "span",
      { class: "actions" },
      button("Dismiss", `dismiss-${report.id}`, () => close(report, "dismissed")),
      ...(report.kind === "user" ? [] : [button("Remove", `remove-${report.id}`, () => close(report, "removed"), "danger")]),
    ),
  ]);
  return table(["Since", "Reason", "Description", "About", "Text", ""], rows, "Nothing is reported.");
}

/** @param {any[]} actions */
export function logTable(actions) {
  const rows = actions.map((action) => [
    clock(action.at),
    action.operator,
    words(action.action),
    make("span", { title: action.detail ?? "" }, action.target.length > 24 ? short(action.target) : action.target),
    action.address ?? "command line",
  ]);
  return table(["When", "Who", "What", "On", "From"], rows, "Nothing yet.");
}
