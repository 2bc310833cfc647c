//! The metrics of this crate.

use toneup_platform::metrics::Kind::{Counter, Gauge};
use toneup_platform::metrics::{Metric, QUICK, WAIT};

/// The metrics of submits, queues and attempts.
pub const METRICS: &[Metric] = &[
    ("toneup_jobs", Gauge, "jobs that have not ended, by state"),
    ("toneup_oldest_job_seconds", Gauge, "age of the oldest waiting job"),
    ("toneup_jobs_per_second", Gauge, "jobs that ended in the last minute, by 60"),
    ("toneup_outbox_due", Gauge, "rows whose publish, retry or deadline is overdue"),
    ("toneup_dead_letters", Gauge, "dead letters not yet replayed or dropped"),
    ("toneup_submit_seconds", QUICK, "from a submit to its commit"),
    ("toneup_audit_republished_total", Counter, "messages that the queue lost"),
    ("toneup_broker_messages", Gauge, "messages that are ready in a queue"),
    ("toneup_queue_wait_seconds", WAIT, "from a submit to the first attempt, by kind"),
    ("toneup_claim_seconds", QUICK, "from a delivery to the committed claim"),
    ("toneup_complete_seconds", QUICK, "from an outcome to its commit"),
    ("toneup_job_attempts_total", Counter, "attempts, by kind and by how they ended"),
    ("toneup_jobs_finished_total", Counter, "jobs that ended, by kind, state and code"),
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_keeps_the_conventions() {
        toneup_platform::metrics::check(super::METRICS).unwrap();
    }
}
