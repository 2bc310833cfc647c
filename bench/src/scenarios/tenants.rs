//! Fairness: a thousand jobs of one user, then one job of each of fifty others; measures the others' wait.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;

use super::common::{Bench, Setup, cdf_chart, cdf_curve};
use crate::load::{self, Jobs, Photo, Target};
use crate::report::{Report, Row};
use crate::stub::Settings;

const OTHERS: usize = 50;
const THEIRS: usize = 1000;
const WORKERS: usize = 2;
/// Target of the others' time, relative to an idle system.
const WANTED: f64 = 1.25;

fn analyzer() -> Settings {
    Settings { slots: 8, service_ms: 400.0, ..Settings::default() }
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("tenants", bench.quick);
    let mut setup = Setup::start(bench, "tenants", &[analyzer()], OTHERS).await?;
    setup.site.start_workers(WORKERS, &[]).await?;
    let others = Arc::clone(&setup.target);
    let greedy = Arc::new(Target::toneup(&setup.site.api, 1, &Photo::made_up()).await?);

    // Once to warm up: a limit that starts at 1 is not what is compared.
    one_each(&others).await;
    let idle = one_each(&others).await;
    let theirs = load::backlog(&greedy, THEIRS, Duration::from_mins(1)).await;
    let beside = one_each(&others).await;

    let all = Jobs([theirs.0.clone(), beside.0.clone()].concat());
    setup.end(&all).await?;
    ensure!(idle.failures() + beside.failures() == 0, "jobs failed: {:?}", beside.a_failure());
    let ratio = needed(&beside) / needed(&idle);
    report.row(row("idle system", &idle, 0))?;
    let accepted = theirs.accepted().count();
    let last = row("beside the thousand", &beside, accepted).number("ratio", ratio);
    report.row(last.wanted(format!("<= {WANTED}"), ratio <= WANTED))?;
    let refused = theirs.0.iter().filter(|job| job.throttled > 0).count();
    report.remark(format!(
        "of the one user's {THEIRS} submits {accepted} were accepted and {refused} were told at least once to come back later"
    ))?;
    let curves = vec![cdf_curve("idle system", &idle), cdf_curve("beside the thousand", &beside)];
    report.chart(cdf_chart("tenants-latency", "One job by each of 50 users", curves));
    Ok(report)
}

/// Submits one job of each of the others, at once.
async fn one_each(others: &Arc<Target>) -> Jobs {
    load::open(others, OTHERS, 1.0, Duration::ZERO, Duration::from_mins(2)).await
}

/// Time from the first submit to the last result, in seconds.
fn needed(jobs: &Jobs) -> f64 {
    let span = jobs.last_finished().zip(jobs.first_sent());
    span.map_or(f64::NAN, |(last, first)| (last - first) / 1e3)
}

fn row(when: &str, jobs: &Jobs, waiting: usize) -> Row {
    let times = jobs.end_to_end();
    Row::default()
        .with("when", when)
        .with("jobs_before", waiting)
        .number("all_done_s", needed(jobs))
        .number("median_s", times.median() / 1e3)
        .number("p95_s", times.percentile(95.0) / 1e3)
        .number("max_s", times.max() / 1e3)
        .with("unfinished", jobs.unfinished())
        .with("failures", jobs.failures())
}
