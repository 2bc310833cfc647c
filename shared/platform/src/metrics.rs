//! Metrics: what each one means, and where the buckets of its histogram lie. Each context describes its own in a table;
//! `docs/operations.md` lists them all, and a test holds the two equal.

use std::sync::{Mutex, PoisonError};

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// The kind of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A value that goes up and down.
    Gauge,
    /// A count that only grows.
    Counter,
    /// Durations in seconds, counted in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

use Kind::{Counter, Gauge, Histogram};

/// Seconds of a statement or a commit.
pub const QUICK: Kind = Histogram(&[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
]);
/// Seconds of a request, long polls included.
pub const REQUEST: Kind = Histogram(&[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 75.0,
]);
/// Seconds of one analysis.
pub const WORK: Kind = Histogram(&[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0,
]);
/// Seconds in a queue.
pub const WAIT: Kind = Histogram(&[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
    3600.0,
]);

/// A metric: its name, its kind and its meaning.
pub type Metric = (&'static str, Kind, &'static str);

/// The metrics of this crate.
pub const METRICS: &[Metric] = &[
    ("toneup_build_info", Gauge, "1, with the version of the program as a label"),
    ("toneup_broker_connected", Gauge, "1 while a connection to the broker stands"),
    ("toneup_redis_connected", Gauge, "1 while the subscription to redis stands"),
    ("toneup_database_connections", Gauge, "connections of the pool: idle, used, allowed"),
    ("toneup_database_acquire_seconds", QUICK, "wait for a connection to the database"),
];

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Makes the process's recorder, once, for the metrics of `tables`; what is measured before is lost. The caller must call
/// `run_upkeep` now and then, or the buckets' raw values pile up.
pub fn install(tables: &[&[Metric]]) -> anyhow::Result<PrometheusHandle> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for (name, kind, _) in tables.iter().copied().flatten() {
        if let Histogram(bounds) = kind {
            builder = builder.set_buckets_for_metric(Matcher::Full((*name).to_owned()), bounds)?;
        }
    }
    let handle = builder.install_recorder()?;
    for (name, kind, help) in tables.iter().copied().flatten() {
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

/// Checks the conventions of a table: `_total` for counters, `_seconds` and growing bounds for histograms.
pub fn check(table: &[Metric]) -> Result<(), String> {
    for (name, kind, help) in table {
        let ascending = match kind {
            Histogram(bounds) => name.ends_with("_seconds") && bounds.is_sorted_by(|a, b| a < b),
            Gauge | Counter => true,
        };
        let named = name.starts_with("toneup_") && name.ends_with("_total") == (*kind == Counter);
        if !ascending || !named || help.is_empty() {
            return Err(format!("{name}: breaks the conventions of metrics"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_keeps_the_conventions() {
        check(METRICS).unwrap();
        check(&[("toneup_x_total", Gauge, "a gauge named as a counter")]).unwrap_err();
        check(&[("toneup_x_seconds", Histogram(&[2.0, 1.0]), "bounds that shrink")]).unwrap_err();
    }
}
