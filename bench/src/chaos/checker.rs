//! Checker: judges a run by the evidence it left. Pure, and independent of the code under test: it knows what the API
//! promises, not how it is implemented.

mod social;

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::evidence::{AnalysisRow, EventRow, Evidence};
use super::ledger::Entry;
use super::schedule::{Breakage, Kind, Link};
use super::servers::{JOBS, POISON};

/// Tolerance between clocks: the database runs on this machine, and truncates times to milliseconds.
const CLOCK_MS: f64 = 2.0;
/// Longest time from a worker's decision to call the analyzer to the entry in the analyzer's log, on an overloaded
/// machine.
const CALL_MS: f64 = 1_000.0;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A job, or the notification of its end, is lost.
    Lost,
    /// Something that must happen once happened twice.
    Repeated,
    /// Another promise is broken.
    Broken,
}

/// A violated promise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) class: Class,
    pub(crate) rule: &'static str,
    pub(crate) analysis: Option<Uuid>,
    pub(crate) detail: String,
}

/// Result of the check.
#[derive(Debug, Clone, Default)]
pub(crate) struct Verdict {
    pub(crate) findings: Vec<Finding>,
    /// Number of jobs by outcome: the state, with the error's code.
    pub(crate) ends: BTreeMap<String, usize>,
    /// Number of things checked, by kind, so that an empty check is noticed.
    pub(crate) looked_at: BTreeMap<&'static str, usize>,
}

impl Verdict {
    /// Number of affected analyses of this class; findings without an analysis count as one each.
    pub(crate) fn count(&self, class: Class) -> usize {
        let all = self.findings.iter().filter(|finding| finding.class == class);
        let (known, unknown): (Vec<_>, Vec<_>) =
            all.partition(|finding| finding.analysis.is_some());
        let analyses: HashSet<_> = known.iter().filter_map(|finding| finding.analysis).collect();
        analyses.len() + unknown.len()
    }

    fn find(
        &mut self,
        class: Class,
        rule: &'static str,
        analysis: impl Into<Option<Uuid>>,
        detail: impl Into<String>,
    ) {
        let (analysis, detail) = (analysis.into(), detail.into());
        self.findings.push(Finding { class, rule, analysis, detail });
    }
}

/// Checks all promises against the evidence.
pub(crate) fn check(evidence: &Evidence) -> Verdict {
    let mut verdict = Verdict::default();
    let rows = Rows::new(evidence);
    check_submits(evidence, &rows, &mut verdict);
    check_ends(evidence, &rows, &mut verdict);
    check_told(evidence, &rows, &mut verdict);
    check_calls(evidence, &rows, &mut verdict);
    check_queues(evidence, &mut verdict);
    social::check(evidence, &mut verdict);
    for incident in &evidence.incidents {
        verdict.find(Class::Broken, "nothing else goes wrong", None, incident);
    }
    verdict
}

/// Evidence indexed by analysis.
struct Rows<'a> {
    analyses: HashMap<Uuid, &'a AnalysisRow>,
    events: HashMap<Uuid, Vec<&'a EventRow>>,
    accepted: HashMap<Uuid, usize>,
    traces: HashMap<&'a str, &'a AnalysisRow>,
}

impl<'a> Rows<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        let mut events: HashMap<Uuid, Vec<&EventRow>> = HashMap::new();
        for event in &evidence.events {
            events.entry(event.analysis).or_default().push(event);
        }
        let accepted = evidence.ledger.iter().filter_map(|entry| match entry {
            Entry::Accepted { job, analysis, .. } => Some((*analysis, *job)),
            _ => None,
        });
        let traces = evidence.analyses.iter().filter_map(|row| Some((trace_of(row)?, row)));
        Self {
            analyses: evidence.analyses.iter().map(|row| (row.id, row)).collect(),
            events,
            accepted: accepted.collect(),
            traces: traces.collect(),
        }
    }
}

/// Status of the response to a deadline that cannot be met.
const UNREACHABLE: u16 = 422;

fn trace_of(row: &AnalysisRow) -> Option<&str> {
    row.traceparent.as_deref()?.split('-').nth(1)
}

fn is_end(status: &str) -> bool {
    matches!(status, "succeeded" | "failed" | "cancelled" | "expired")
}

/// Every submit is accepted as one analysis; one with a deadline may be refused because it cannot be met.
fn check_submits(evidence: &Evidence, rows: &Rows<'_>, verdict: &mut Verdict) {
    let mut submits: HashMap<usize, &str> = HashMap::new();
    let mut answers: HashMap<usize, HashSet<Uuid>> = HashMap::new();
    let (mut hurried, mut refused) = (HashSet::new(), HashSet::new());
    for entry in &evidence.ledger {
        match entry {
            Entry::Submits { job, trace_id, deadline_ms, .. } => {
                submits.insert(*job, trace_id);
                hurried.extend(deadline_ms.map(|_| *job));
            }
            Entry::Accepted { job, analysis, .. } => {
                answers.entry(*job).or_default().insert(*analysis);
            }
            Entry::Refused { job, status, code, .. } => {
                refused.insert(*job);
                if *status != UNREACHABLE || !hurried.contains(job) {
                    let detail = format!("job {job}: {status} {code}");
                    verdict.find(Class::Broken, "a right submit is accepted", None, detail);
                }
            }
            _ => {}
        }
    }
    verdict.looked_at.insert("submits", submits.len());
    for job in submits.keys() {
        let ids = answers.get(job).map_or(0, HashSet::len);
        if ids == 0 && !refused.contains(job) {
            let detail = format!("job {job}");
            verdict.find(
                Class::Broken,
                "a submit that is repeated is accepted in the end",
                None,
                detail,
            );
        } else if ids > 1 {
            let detail = format!("job {job} is {ids} analyses");
            verdict.find(Class::Repeated, "one idempotency key is one analysis", None, detail);
        }
    }
    let traces: HashSet<&str> = submits.into_values().collect();
    check_rows(evidence, rows, &traces, verdict);
}

/// Every accepted job has its row, and every row is one submit.
fn check_rows(
    evidence: &Evidence,
    rows: &Rows<'_>,
    submitted: &HashSet<&str>,
    verdict: &mut Verdict,
) {
    for (analysis, job) in &rows.accepted {
        if !rows.analyses.contains_key(analysis) {
            let detail = format!("job {job} was accepted and is no row");
            verdict.find(Class::Lost, "an accepted job is in the database", *analysis, detail);
        }
    }
    let mut seen = HashSet::new();
    for row in &evidence.analyses {
        let trace = trace_of(row).unwrap_or_default();
        if !submitted.contains(trace) {
            verdict.find(
                Class::Broken,
                "every row was submitted",
                row.id,
                format!("trace {trace}"),
            );
        } else if !seen.insert(trace) {
            verdict.find(
                Class::Repeated,
                "one submit is one row",
                row.id,
                format!("trace {trace}"),
            );
        }
    }
}

/// Every row has ended, once, within its attempts, and in a permitted way.
fn check_ends(evidence: &Evidence, rows: &Rows<'_>, verdict: &mut Verdict) {
    let mut outcomes: HashMap<Uuid, Vec<_>> = HashMap::new();
    for outcome in &evidence.outcomes {
        outcomes.entry(outcome.analysis).or_default().push(outcome);
    }
    let cancelled: HashSet<Uuid> = evidence
        .ledger
        .iter()
        .filter_map(|entry| match entry {
            Entry::Cancels { analysis, .. } => Some(*analysis),
            _ => None,
        })
        .collect();
    verdict.looked_at.insert("analyses", evidence.analyses.len());
    for row in &evidence.analyses {
        let id = row.id;
        if row.attempt > evidence.max_attempts {
            let detail = format!("{} of {}", row.attempt, evidence.max_attempts);
            verdict.find(Class::Broken, "attempts are never exceeded", id, detail);
        }
        let found = outcomes.remove(&id).unwrap_or_default();
        if !is_end(&row.status) || row.finished_ms.is_none() {
            verdict.find(Class::Lost, "every job ends", id, format!("still {}", row.status));
            continue;
        }
        let code = found.first().and_then(|outcome| outcome.error_code.clone());
        let end = code.map_or_else(|| row.status.clone(), |code| format!("{} {code}", row.status));
        *verdict.ends.entry(end).or_default() += 1;
        match found[..] {
            [] => verdict.find(Class::Lost, "every end has its outcome", id, row.status.clone()),
            [one] if one.has_result != (row.status == "succeeded") => {
                verdict.find(Class::Broken, "a result is a success", id, row.status.clone());
            }
            [_] => {}
            _ => {
                let detail = format!("{} outcomes", found.len());
                verdict.find(Class::Repeated, "one job has one outcome", id, detail);
            }
        }
        check_log(row, rows, verdict);
        check_reason(row, &cancelled, verdict);
    }
    for (id, found) in outcomes {
        let detail = format!("{} outcomes of no job", found.len());
        verdict.find(Class::Broken, "every outcome has its job", id, detail);
    }
}

/// Every end has exactly one event, with its state.
fn check_log(row: &AnalysisRow, rows: &Rows<'_>, verdict: &mut Verdict) {
    let id = row.id;
    let events = rows.events.get(&id).map_or(&[][..], Vec::as_slice);
    match events {
        [] => verdict.find(Class::Lost, "every end has its event", id, row.status.clone()),
        [event] if event.status != row.status => {
            let detail = format!("{} in the log, {} in the row", event.status, row.status);
            verdict.find(Class::Broken, "the event tells the end", id, detail);
        }
        [_] => {}
        _ => {
            let detail = format!("{} events", events.len());
            verdict.find(Class::Repeated, "one job has one event", id, detail);
        }
    }
}

/// An end caused by a client or a deadline has that reason, and an overdue job is not started.
fn check_reason(row: &AnalysisRow, cancelled: &HashSet<Uuid>, verdict: &mut Verdict) {
    let id = row.id;
    if row.status == "cancelled" && !cancelled.contains(&id) {
        verdict.find(Class::Broken, "only what a client cancels is cancelled", id, "");
    }
    let overdue = row.deadline_ms.zip(row.finished_ms);
    if row.status == "expired" && overdue.is_none_or(|(deadline, end)| end < deadline) {
        verdict.find(Class::Broken, "only what is late expires", id, format!("{overdue:?}"));
    }
    let late = row.deadline_ms.zip(row.started_ms);
    if late.is_some_and(|(deadline, start)| start > deadline) {
        verdict.find(Class::Broken, "nothing is started late", id, format!("{late:?}"));
    }
}

/// Every client was notified of every end, as logged, and not before it was committed.
fn check_told(evidence: &Evidence, rows: &Rows<'_>, verdict: &mut Verdict) {
    let mut told: HashMap<Uuid, HashSet<(u64, &str)>> = HashMap::new();
    let (mut tellings, mut witnessed) = (0, 0);
    for entry in &evidence.ledger {
        match entry {
            Entry::Told { event, analysis, status, at_ms, .. } => {
                tellings += 1;
                told.entry(*analysis).or_default().insert((*event, status));
                let logged = rows.events.get(analysis).and_then(|events| events.first());
                if logged.is_some_and(|logged| *at_ms < logged.created_ms - CLOCK_MS) {
                    let detail = format!("event {event} at {at_ms}");
                    verdict.find(
                        Class::Broken,
                        "nobody is told before the commit",
                        *analysis,
                        detail,
                    );
                }
            }
            Entry::Witnessed { event, analysis, visible } => {
                witnessed += 1;
                if !visible {
                    let detail = format!("event {event} could not be read when its client had it");
                    verdict.find(
                        Class::Broken,
                        "nobody is told before the commit",
                        *analysis,
                        detail,
                    );
                }
            }
            _ => {}
        }
    }
    verdict.looked_at.insert("tellings", tellings);
    verdict.looked_at.insert("witnessed", witnessed);
    for analysis in rows.accepted.keys() {
        let ended = rows.analyses.get(analysis).is_some_and(|row| is_end(&row.status));
        if ended && !told.contains_key(analysis) {
            verdict.find(Class::Lost, "every client is told every end", *analysis, "never told");
        }
    }
    for (analysis, ids) in told {
        if ids.len() > 1 {
            let detail = format!("{ids:?}");
            verdict.find(Class::Repeated, "an event keeps its id and its news", analysis, detail);
        }
        let logged = rows.events.get(&analysis).map_or(&[][..], Vec::as_slice);
        for (event, status) in ids {
            if !logged.iter().any(|logged| logged.event == event && logged.status == status) {
                let detail = format!("event {event}, {status}");
                verdict.find(Class::Broken, "what is told is in the log", analysis, detail);
            }
        }
    }
}

/// The analyzer is not called for an analysis that has ended.
fn check_calls(evidence: &Evidence, rows: &Rows<'_>, verdict: &mut Verdict) {
    let mut delayed = Vec::new();
    for injected in &evidence.faults {
        let slow = [Breakage::Stall, Breakage::Slow];
        if let Kind::Break(Link::WorkerAnalyzer, how) = injected.fault.kind
            && slow.contains(&how)
        {
            delayed.push((injected.began_ms, injected.cleared_ms + CALL_MS));
        }
    }
    // A call that came in while its link held bytes back may have been sent as early as the link was stalled.
    let sent_ms = |at_ms: f64| {
        let held = delayed.iter().filter(|(from, to)| (*from..=*to).contains(&at_ms));
        held.map(|(from, _)| *from).fold(at_ms, f64::min) - CALL_MS
    };
    let arrivals = evidence.calls.iter().filter(|call| !call.answered);
    verdict.looked_at.insert("calls", arrivals.clone().count());
    for call in arrivals {
        let Some(row) = rows.traces.get(call.trace_id.as_str()) else {
            // Probes ask without a trace.
            if !call.trace_id.is_empty() {
                let detail = format!("trace {}", call.trace_id);
                verdict.find(Class::Broken, "the analyzer is called for jobs only", None, detail);
            }
            continue;
        };
        let late_ms = row.finished_ms.map(|ended| sent_ms(call.at_ms) - ended);
        if let Some(late_ms) = late_ms.filter(|late_ms| *late_ms > 0.0) {
            let detail =
                format!("{:.1} s after its end ({})", (late_ms + CALL_MS) / 1e3, row.status);
            verdict.find(Class::Repeated, "no call after the end", row.id, detail);
        }
    }
}

/// The queues are empty, except for deliberately injected poison messages.
fn check_queues(evidence: &Evidence, verdict: &mut Verdict) {
    let jobs = evidence.queues.iter().find(|(name, _)| name == JOBS).map(|(_, messages)| *messages);
    if jobs != Some(0) {
        verdict.find(Class::Broken, "the queue is empty at the end", None, format!("{jobs:?}"));
    }
    for letter in evidence.dead_letters.iter().filter(|letter| !letter.contains(POISON)) {
        verdict.find(Class::Broken, "only poison is dead-lettered", None, letter.clone());
    }
    let poisoned = evidence.faults.iter().filter(|one| one.fault.kind == Kind::Poison).count();
    if evidence.dead_letters.len() < poisoned {
        let detail = format!("{poisoned} poisoned, {} found", evidence.dead_letters.len());
        verdict.find(Class::Lost, "poison is kept for an operator", None, detail);
    }
    verdict.looked_at.insert("dead letters", evidence.dead_letters.len());
}

#[cfg(test)]
mod tests;
