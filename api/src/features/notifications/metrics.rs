//! The metrics of deliveries.

use toneup_platform::metrics::Kind::{Counter, Gauge};
use toneup_platform::metrics::{Metric, QUICK, WAIT};

/// Deliveries to webhooks, browsers and phones.
pub(crate) const METRICS: &[Metric] = &[
    ("toneup_push_due", Gauge, "targets that have something due and are not being sent to"),
    ("toneup_pushes_total", Counter, "requests to receivers of pushes"),
    ("toneup_push_answer_seconds", QUICK, "how long receivers of pushes took to answer"),
    ("toneup_push_seconds", WAIT, "from an event to the push that reports it"),
];
