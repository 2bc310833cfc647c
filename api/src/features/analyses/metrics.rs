//! The metrics of the queue of analyses.

use toneup_platform::metrics::Kind::Gauge;
use toneup_platform::metrics::Metric;

/// The capacity of the analyzers, and the workers that it can feed.
pub(crate) const METRICS: &[Metric] = &[
    ("toneup_analyzer_capacity", Gauge, "requests that all analyzers take at once"),
    ("toneup_desired_workers", Gauge, "workers that are of use"),
];
