//! Burst: 20 submits per second for a minute on 8 slots of 500 ms, then the backlog is worked off.

use std::time::Duration;

use super::common::{
    Bench, Setup, Window, analyzer_columns, cdf_chart, cdf_curve, client_columns, curves,
    queue_curve, time_chart,
};
use super::peers;
use crate::load::{self, Jobs};
use crate::measure::usage::Usage;
use crate::report::{Report, Row};
use crate::stub::Settings;

const SLOTS: usize = 8;
const SERVICE_MS: f64 = 500.0;
const RATE: f64 = 20.0;
const USERS: usize = 60;
/// Configured concurrencies for comparison: half, exactly and four times the slots.
const BY_HAND: [usize; 3] = [SLOTS / 2, SLOTS, SLOTS * 4];

/// Settings of the analyzer: with headers it limits itself, without it degrades as the original does.
fn analyzer(headers: bool) -> Settings {
    Settings { slots: SLOTS, service_ms: SERVICE_MS, degrade: true, headers, ..Settings::default() }
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("burst", bench.quick);
    let duration = bench.seconds(60.0);
    // A drain of what 16 a second leave of 20, and some more.
    let patience = duration.mul_f64(0.5) + Duration::from_secs(5);
    let mut queues = Vec::new();
    let mut times = Vec::new();
    for headers in [true, false] {
        let (jobs, usage) = ours(bench, headers, duration, patience).await?;
        let design = if headers { "toneup" } else { "toneup, no headers" };
        let on = if headers { "on" } else { "off" };
        let row =
            Row::default().with("design", design).with("set_by_hand", "-").with("headers", on);
        report.row(columns(row, &jobs, &usage))?;
        queues.push(queue_curve(design, &usage));
        times.push(cdf_curve(design, &jobs));
        if headers {
            let title = "Burst: 20 submits/s on 8 slots of 500 ms";
            report.chart(time_chart("burst-in-flight", title, "requests", curves("", &usage)));
        }
    }
    let settings = analyzer(false);
    for (at_once, outcome) in peers::celery(BY_HAND, &settings, RATE, duration, patience).await {
        match outcome {
            Ok((jobs, usage)) => {
                let row = Row::default().with("design", "celery").with("set_by_hand", at_once);
                report.row(columns(row.with("headers", "off"), &jobs, &usage))?;
                queues.push(queue_curve(&format!("celery, {at_once} at a time"), &usage));
                times.push(cdf_curve(&format!("celery, {at_once} at a time"), &jobs));
            }
            Err(reason) => report.remark(format!("celery, {at_once}: left out: {reason}"))?,
        }
    }
    report.chart(time_chart("burst-queue", "Burst: jobs not yet answered", "jobs", queues));
    report.chart(cdf_chart("burst-latency", "Burst: from submit to result", times));
    Ok(report)
}

async fn ours(
    bench: &Bench<'_>,
    headers: bool,
    duration: Duration,
    patience: Duration,
) -> anyhow::Result<(Jobs, Usage)> {
    let name = if headers { "burst-on" } else { "burst-off" };
    let mut setup = Setup::start(bench, name, &[analyzer(headers)], USERS).await?;
    setup.site.start_workers(1, &[]).await?;
    let jobs = load::open(&setup.target, 0, RATE, duration, patience).await;
    let usage = setup.end(&jobs).await?;
    Ok((jobs, usage))
}

fn columns(row: Row, jobs: &Jobs, usage: &Usage) -> Row {
    let whole = Window::whole(usage);
    // Overload makes busy slots slow: the throughput is what counts.
    let done = usage
        .visits
        .iter()
        .filter(|(arrived, time)| (whole.from..whole.to).contains(&(arrived + time)));
    #[expect(clippy::cast_precision_loss, reason = "a number of jobs and of slots")]
    let goodput =
        done.count() as f64 * SERVICE_MS / 1e3 / (SLOTS as f64 * whole.seconds().max(1e-9));
    let row = row.number("goodput", goodput);
    client_columns(analyzer_columns(row, usage, whole, SERVICE_MS), jobs)
}
