// @ts-check
// Jobs: the search and one job's timeline.

import { badge, button, table } from "./admin-tables.js";
import { between, clock, short, words } from "./admin-words.js";
import { make } from "./dom.js";

/**
 * @param {any[]} jobs
 * @param {(id: string) => void} open
 */
export function jobTable(jobs, open) {
  const rows = jobs.map((job) => [
    button(short(job.id), `job-${job.id}`, () => open(job.id), "link"),
    badge(job.status),
    clock(job.createdAt),
    between(job.createdAt, job.finishedAt),
    String(job.attempt),
    job.season ? job.season.toLowerCase() : (job.code ?? "–"),
    make("span", { title: job.userId }, short(job.userId)),
  ]);
  return table(["Job", "State", "Submitted", "Took", "Attempts", "Outcome", "User"], rows, "No such jobs.");
}

/**
 * One job: what is known of it, its timeline, and what can be done.
 *
 * @param {any} job
 * @param {(verb: "cancel" | "retry") => void} steer
 */
export function jobView(job, steer) {
  const fact = (/** @type {string} */ name, /** @type {Node | string} */ value) => [make("dt", {}, name), make("dd", {}, value)];
  const ended = job.finishedAt !== null;
  const actions = [
    !ended && button("Cancel", "job-cancel", () => steer("cancel"), "danger"),
    (job.status === "failed" || job.status === "queued") && button("Retry", "job-retry", () => steer("retry"), "primary"),
  ].filter((action) => action !== false);
  const outcome = job.result
    ? `${job.result.personalColor.toLowerCase()}${job.result.confidence === null ? "" : `, confidence ${job.result.confidence.toFixed(2)}`}`
    : (job.error?.message ?? "–");
  return make(
    "div",
    {},
    make(
      "dl",
      { class: "facts" },
      ...fact("Id", make("code", {}, job.id)),
      ...fact("User", make("code", {}, job.userId)),
      ...fact("State", badge(job.status)),
      ...fact("Attempts", String(job.attempt)),
      ...fact("Waited", between(job.createdAt, job.startedAt)),
      ...fact("Worked", between(job.startedAt, job.finishedAt)),
      ...fact("Outcome", outcome),
    ),
    make("ol", { class: "timeline", "aria-label": "Timeline" }, ...job.timeline.map(step(job.createdAt))),
    make("p", { class: "actions" }, ...actions),
  );
}

/** @param {string} since */
const step = (since) => (/** @type {any} */ at) => {
  const more = [at.code, at.message].filter(Boolean).join(": ");
  return make(
    "li",
    { class: at.kind },
    make("time", { datetime: at.at }, `${clock(at.at)}  +${between(since, at.at)}`),
    make("b", {}, words(at.kind) + (at.attempt ? `, attempt ${at.attempt}` : "")),
    ...(more ? [make("span", { class: "muted" }, more)] : []),
  );
};
