//! The metrics of the worker.

use toneup_platform::metrics::Kind::{Counter, Gauge};
use toneup_platform::metrics::{Metric, WORK};

/// The metrics of flow control and of the calls to analyzers.
pub const METRICS: &[Metric] = &[
    ("toneup_analyzer_limit", Gauge, "limit of this worker's concurrent requests at an analyzer"),
    ("toneup_analyzer_in_flight", Gauge, "requests of this worker in flight at an analyzer"),
    ("toneup_analyzer_breaker_open", Gauge, "1 while the worker considers an analyzer unavailable"),
    ("toneup_analyzer_answers_total", Counter, "requests to analyzers, by how they ended"),
    ("toneup_worker_waiting_jobs", Gauge, "prefetched jobs that wait for their turn"),
    ("toneup_analyze_seconds", WORK, "time from sending a photo to an analyzer to its response"),
];

/// All the metrics that a worker exports.
pub fn tables() -> [&'static [Metric]; 4] {
    [
        toneup_platform::metrics::METRICS,
        toneup_jobs::metrics::METRICS,
        toneup_operate::intake::METRICS,
        METRICS,
    ]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_keeps_the_conventions() {
        toneup_platform::metrics::check(super::METRICS).unwrap();
    }
}
