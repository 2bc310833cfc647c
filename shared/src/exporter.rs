//! Every metric of the programs: what it means, and where the buckets of its histogram lie. `docs/operations.md` lists
//! the same; a test holds the two equal.

use std::sync::{Mutex, PoisonError};

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// What kind of series a metric is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A count that only grows.
    Counter,
    /// Durations in seconds, counted in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

use Kind::{Counter, Gauge, Histogram};

/// Of what is done at once: a statement, a commit.
const QUICK: Kind = Histogram(&[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
]);
/// Of requests, long polls among them.
const REQUEST: Kind = Histogram(&[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 75.0,
]);
/// Of an analysis.
const WORK: Kind = Histogram(&[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0,
]);
/// Of waiting, which may take as long as the queue is.
const WAIT: Kind = Histogram(&[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
    3600.0,
]);

/// Name, kind, meaning.
type Metric = (&'static str, Kind, &'static str);

const METRICS: &[Metric] = &[
    ("toneup_build_info", Gauge, "1, with the version of the program as a label"),
    ("toneup_jobs", Gauge, "jobs that have not ended, by state"),
    ("toneup_oldest_job_seconds", Gauge, "how long the oldest waiting job has waited"),
    ("toneup_jobs_per_second", Gauge, "jobs that ended in the last minute, by 60"),
    ("toneup_analyzer_capacity", Gauge, "requests that all analyzers take at once"),
    ("toneup_desired_workers", Gauge, "workers that are of use"),
    ("toneup_outbox_due", Gauge, "rows whose publish, retry or deadline is overdue"),
    ("toneup_dead_letters", Gauge, "dead letters that nobody has replayed or dropped"),
    ("toneup_open_streams", Gauge, "event streams that clients hold open"),
    ("toneup_http_requests_total", Counter, "requests answered"),
    ("toneup_http_request_seconds", REQUEST, "from a request's head to its answer's"),
    ("toneup_submit_seconds", QUICK, "from a submit to its commit"),
    ("toneup_audit_republished_total", Counter, "messages that the queue lost"),
    ("toneup_broker_messages", Gauge, "messages that are ready in a queue"),
    ("toneup_broker_connected", Gauge, "1 while a connection to the broker stands"),
    ("toneup_redis_connected", Gauge, "1 while the subscription to redis stands"),
    ("toneup_database_connections", Gauge, "connections of the pool: idle, used, allowed"),
    ("toneup_database_acquire_seconds", QUICK, "wait for a connection to the database"),
    ("toneup_analyzer_limit", Gauge, "requests that this worker may have at an analyzer"),
    ("toneup_analyzer_in_flight", Gauge, "requests that this worker has at an analyzer"),
    ("toneup_analyzer_breaker_open", Gauge, "1 while the worker believes an analyzer away"),
    ("toneup_analyzer_answers_total", Counter, "requests to analyzers, by how they ended"),
    ("toneup_worker_waiting_jobs", Gauge, "jobs in hand that wait for their turn"),
    ("toneup_worker_paused", Gauge, "1 while an operator has paused the intake"),
    ("toneup_analyze_seconds", WORK, "from sending a photo to an analyzer to its answer"),
    ("toneup_queue_wait_seconds", WAIT, "from a submit to the first attempt"),
    ("toneup_claim_seconds", QUICK, "from a delivery to the committed claim"),
    ("toneup_complete_seconds", QUICK, "from an outcome to its commit"),
    ("toneup_job_attempts_total", Counter, "attempts, by how they ended"),
    ("toneup_jobs_finished_total", Counter, "jobs that ended, by state and code"),
    ("toneup_push_due", Gauge, "targets that have something due and are not being told"),
    ("toneup_pushes_total", Counter, "requests to receivers of pushes"),
    ("toneup_push_answer_seconds", QUICK, "how long receivers of pushes took to answer"),
    ("toneup_push_seconds", WAIT, "from a job's end to the push that tells of it"),
];

/// The names of all metrics.
pub fn names() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|(name, ..)| *name)
}

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Makes the process's recorder, once; what is measured before is lost. Whoever calls this also calls `run_upkeep` now
/// and then, or the buckets' raw values pile up.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for (name, kind, _) in METRICS {
        if let Histogram(bounds) = kind {
            builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds)?;
        }
    }
    let handle = builder.install_recorder()?;
    for (name, kind, help) in METRICS {
        match kind {
            Gauge => describe_gauge!(*name, *help),
            Counter => describe_counter!(*name, *help),
            Histogram(_) => describe_histogram!(*name, *help),
        }
    }
    gauge!("toneup_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    *installed = Some(handle.clone());
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_its_kind_and_every_bound_is_larger_than_the_one_before() {
        for (name, kind, help) in METRICS {
            assert_eq!(name.ends_with("_total"), *kind == Counter, "{name}");
            assert!(name.starts_with("toneup_") && !help.is_empty());
            if let Histogram(bounds) = kind {
                assert!(name.ends_with("_seconds"), "{name}");
                assert!(bounds.is_sorted_by(|a, b| a < b), "{name}");
            }
        }
    }
}
