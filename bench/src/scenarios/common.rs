//! Code shared by the scenarios: set-up, the measured part of a run, columns and curves.

use std::sync::Arc;
use std::time::Duration;

use crate::load::{Jobs, Photo, Target};
use crate::measure::percentiles::Sorted;
use crate::measure::usage::Usage;
use crate::report::Row;
use crate::report::plot::{Chart, Curve};
use crate::site::servers::Analyzer;
use crate::site::{Plan, Services, Site};
use crate::stub::Settings;

/// Number of points of a curve.
const POINTS: u32 = 240;

/// Context of every scenario.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) services: &'a Services,
    pub(super) quick: bool,
}

impl Bench<'_> {
    /// Duration of a step: a quarter of it in a quick run, but at least 5 s.
    pub(super) fn seconds(&self, seconds: f64) -> Duration {
        let short = (seconds / 4.0).max(5.0).min(seconds);
        Duration::from_secs_f64(if self.quick { short } else { seconds })
    }
}

/// ToneUp in front of stub analyzers, with signed-in clients.
pub(super) struct Setup {
    pub(super) site: Site,
    pub(super) analyzers: Vec<Analyzer>,
    pub(super) target: Arc<Target>,
}

impl Setup {
    /// Starts everything except the workers.
    pub(super) async fn start(
        bench: &Bench<'_>,
        name: &str,
        analyzers: &[Settings],
        users: usize,
    ) -> anyhow::Result<Self> {
        Self::start_with(bench, name, analyzers, users, |_| {}).await
    }

    /// Starts everything except the workers, with a changed plan.
    pub(super) async fn start_with(
        bench: &Bench<'_>,
        name: &str,
        analyzers: &[Settings],
        users: usize,
        alter: impl FnOnce(&mut Plan),
    ) -> anyhow::Result<Self> {
        let mut stubs = Vec::new();
        for (index, settings) in analyzers.iter().enumerate() {
            stubs.push(Analyzer::start(&format!("{name}-stub-{index}"), settings).await?);
        }
        let mut plan = Plan::new(name, stubs.iter().map(|stub| stub.url.clone()).collect());
        alter(&mut plan);
        let site = Site::open(bench.services, plan).await?;
        let target = Arc::new(Target::toneup(&site.api, users, &Photo::made_up()).await?);
        Ok(Self { site, analyzers: stubs, target })
    }

    /// Ends all processes; returns the analyzers' usage by the jobs.
    pub(super) async fn end(self, jobs: &Jobs) -> anyhow::Result<Usage> {
        let usage = usage(&self.analyzers, jobs).await;
        self.site.close().await?;
        usage
    }
}

/// Computes the analyzers' usage by the jobs.
pub(super) async fn usage(analyzers: &[Analyzer], jobs: &Jobs) -> anyhow::Result<Usage> {
    let mut stats = Vec::new();
    for analyzer in analyzers {
        stats.push(analyzer.stats().await?);
    }
    Ok(Usage::new(&stats, jobs.accepted()))
}

/// Measured part of a run, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Window {
    /// Period from the first waiting job to the last.
    pub(super) fn whole(usage: &Usage) -> Self {
        let (from, to) = usage.waited().unwrap_or_default();
        Self { from, to }
    }

    /// Window without its first part.
    pub(super) fn after(self, ms: f64) -> Self {
        Self { from: (self.from + ms).min(self.to), ..self }
    }

    /// Length of the window, in seconds.
    pub(super) fn seconds(self) -> f64 {
        ((self.to - self.from) / 1e3).max(0.0)
    }
}

/// Adds the columns common to all rows about an analyzer.
pub(super) fn analyzer_columns(row: Row, usage: &Usage, window: Window, service_ms: f64) -> Row {
    let times = usage.times(window.from, window.to);
    row.number("utilisation", usage.utilisation(window.from, window.to))
        .number("p95_ratio", times.percentile(95.0) / service_ms)
        .count("max_in_flight", usage.in_flight.max(window.from, window.to))
}

/// Adds the columns common to all rows about clients.
pub(super) fn client_columns(row: Row, jobs: &Jobs) -> Row {
    let times = jobs.end_to_end();
    let submit = jobs.submit_times();
    // A held request is accepted only with its answer.
    let submit_p95 = if submit.max() > 0.0 { submit.percentile(95.0) } else { f64::NAN };
    row.number("submit_p95_ms", submit_p95)
        .number("median_s", times.median() / 1e3)
        .number("p95_s", times.percentile(95.0) / 1e3)
        .number("max_s", times.max() / 1e3)
        .with("finished", jobs.finished())
        .with("unfinished", jobs.unfinished())
        .with("failures", jobs.failures())
}

/// Curves of the requests inside the analyzers and waiting for them, in seconds from the start.
pub(super) fn curves(label: &str, usage: &Usage) -> Vec<Curve> {
    let Window { from, to } = Window::whole(usage);
    let to = to.max(from + 1.0);
    let seconds = |points: Vec<(f64, f64)>| -> Vec<(f64, f64)> {
        points.into_iter().map(|(at, value)| ((at - from) / 1e3, value)).collect()
    };
    vec![
        (
            format!("{label}in flight at the analyzer"),
            seconds(usage.in_flight.grid(from, to, POINTS)),
        ),
        (format!("{label}slots"), seconds(usage.slots.grid(from, to, POINTS))),
    ]
}

/// Curve of the jobs that are accepted and not yet answered by an analyzer.
pub(super) fn queue_curve(label: &str, usage: &Usage) -> Curve {
    let Window { from, to } = Window::whole(usage);
    let points = usage.demand.grid(from, to.max(from + 1.0), POINTS);
    (label.to_owned(), points.into_iter().map(|(at, value)| ((at - from) / 1e3, value)).collect())
}

/// Curve of the share of jobs done within a time.
pub(super) fn cdf_curve(label: &str, jobs: &Jobs) -> Curve {
    let points = jobs.end_to_end().cdf(POINTS);
    (label.to_owned(), points.into_iter().map(|(ms, share)| (ms / 1e3, share)).collect())
}

/// Creates a chart of curves over the seconds of a run.
pub(super) fn time_chart(name: &str, title: &str, y: &'static str, curves: Vec<Curve>) -> Chart {
    Chart { name: name.to_owned(), title: title.to_owned(), x: "seconds", y, curves }
}

/// Creates a chart of the share of jobs done within a time.
pub(super) fn cdf_chart(name: &str, title: &str, curves: Vec<Curve>) -> Chart {
    let x = "seconds from submit to result";
    Chart { name: name.to_owned(), title: title.to_owned(), x, y: "share of jobs", curves }
}

/// Creates a chart of the share of `what` within so many milliseconds, a curve for each label.
pub(super) fn latency_chart(
    name: &str,
    title: &str,
    what: &'static str,
    times: &[(String, Sorted)],
) -> Chart {
    let curves = times.iter().map(|(label, times)| (label.clone(), times.cdf(POINTS))).collect();
    Chart { name: name.to_owned(), title: title.to_owned(), x: "milliseconds", y: what, curves }
}
