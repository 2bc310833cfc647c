//! Metrics: names, kinds, descriptions and histogram buckets. Each context declares its own in a table;
//! `docs/operations.md` lists them all, and a test keeps the two equal.

use std::sync::{Mutex, PoisonError};

use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Kind of a time series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A value that rises and falls.
    Gauge,
    /// A count that only rises.
    Counter,
    /// Durations in seconds, with these upper bounds of the buckets.
    Histogram(&'static [f64]),
}

use Kind::{Counter, Gauge, Histogram};

/// Buckets for the duration of a statement or a commit.
pub const QUICK: Kind = Histogram(&[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
]);
/// Buckets for the duration of a request, long polls included.
pub const REQUEST: Kind = Histogram(&[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 75.0,
]);
/// Buckets for the duration of one analysis.
pub const WORK: Kind = Histogram(&[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0,
]);
/// Buckets for the time spent in a queue.
pub const WAIT: Kind = Histogram(&[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0,
    3600.0,
]);

/// A metric: name, kind and description.
pub type Metric = (&'static str, Kind, &'static str);

/// Metrics of this crate.
pub const METRICS: &[Metric] = &[
    ("toneup_build_info", Gauge, "1, with the version of the program as a label"),
    ("toneup_broker_connected", Gauge, "1 while connected to the broker"),
    ("toneup_leader", Gauge, "1 while this replica leads in a role"),
    ("toneup_redis_connected", Gauge, "1 while subscribed to Redis"),
    ("toneup_database_connections", Gauge, "connections of the pool: idle, used, allowed"),
    ("toneup_database_acquire_seconds", QUICK, "wait for a connection to the database"),
];

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the process's recorder, once, for the metrics of `tables`; earlier measurements are lost. The caller must
/// call `run_upkeep` periodically, or the raw values of the buckets accumulate.
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

/// Checks the naming conventions of a table: `_total` for counters, `_seconds` and ascending bounds for histograms.
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
