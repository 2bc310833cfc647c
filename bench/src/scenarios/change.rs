//! Change of capacity under load: the time until the analyzer is fully used again.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;
use tokio::time::sleep;

use super::common::{Bench, Setup, Window, curves, queue_curve, time_chart};
use crate::load::{self, Jobs};
use crate::measure::usage::Usage;
use crate::report::{Report, Row};
use crate::site::servers::OwnRedis;
use crate::stub::Settings;
use crate::stub::record::Clock;

const SERVICE_MS: f64 = 500.0;
const USERS: usize = 60;
const WORKERS: usize = 2;
/// Utilisation that counts as full use.
const LEVEL: f64 = 0.95;
/// Window of the utilisation, in service times: in a shorter one a single late handover shows.
const WINDOW_SERVICE_TIMES: f64 = 2.0;
/// Target of the recovery time, in service times.
const WANTED_SERVICE_TIMES: f64 = 3.0;

/// A change of the analyzers' capacity.
#[derive(Debug)]
struct Change {
    what: &'static str,
    at_ms: f64,
    /// Service time from then on, in milliseconds.
    service_ms: f64,
}

/// Recorder of changes as they are made.
#[derive(Debug, Default)]
struct Changes {
    clock: Clock,
    made: Vec<Change>,
}

impl Changes {
    fn made(&mut self, what: &'static str, service_ms: f64) {
        self.made.push(Change { what, at_ms: self.clock.now_ms(), service_ms });
    }
}

fn analyzer(slots: usize) -> Settings {
    Settings { slots, service_ms: SERVICE_MS, ..Settings::default() }
}

/// Runs the scenario and returns its report.
pub(super) async fn run(bench: &Bench<'_>) -> anyhow::Result<Report> {
    let mut report = Report::new("change", bench.quick);
    let step = bench.seconds(10.0);
    let parts = [
        ("capacity", capacity(bench, step).await?),
        ("analyzer", one_of_three(bench, step).await?),
        ("redis", redis(bench, step).await?),
    ];
    for (name, (changes, jobs, usage)) in parts {
        ensure!(jobs.failures() == 0, "{name}: jobs failed: {:?}", jobs.a_failure());
        for (index, change) in changes.made.iter().enumerate() {
            let end =
                changes.made.get(index + 1).map_or(Window::whole(&usage).to, |next| next.at_ms);
            report.row(row(change, end, &usage))?;
        }
        let mut drawn = curves("", &usage);
        drawn.push(queue_curve("jobs not yet answered / 10", &usage));
        if let Some((_, points)) = drawn.last_mut() {
            for point in points {
                point.1 /= 10.0;
            }
        }
        let title = format!("Change under load: {name}");
        report.chart(time_chart(&format!("change-{name}"), &title, "requests", drawn));
    }
    Ok(report)
}

fn row(change: &Change, end: f64, usage: &Usage) -> Row {
    let back = usage.recovery(change.at_ms, end, WINDOW_SERVICE_TIMES * change.service_ms, LEVEL);
    let service_times = back.map_or(f64::NAN, |ms| ms / change.service_ms);
    Row::default()
        .with("change", change.what)
        .number("back_after_s", back.unwrap_or(f64::NAN) / 1e3)
        .number("back_after_service_times", service_times)
        .number("utilisation_until_next", usage.utilisation(change.at_ms, end))
        .with("failures", 0)
        .wanted("<= 3 service times", service_times <= WANTED_SERVICE_TIMES)
}

type Measured = (Changes, Jobs, Usage);

/// Keeps a set-up overloaded for `steps` steps, while `changing` changes it.
async fn under_load(
    setup: Setup,
    first: usize,
    steps: u32,
    step: Duration,
    changing: impl AsyncFnOnce(&Setup, &mut Changes) -> anyhow::Result<()>,
) -> anyhow::Result<Measured> {
    let mut changes = Changes::default();
    let loading = load::open(&setup.target, first, 1.0, step * steps, Duration::ZERO);
    let (jobs, ended) = tokio::join!(loading, changing(&setup, &mut changes));
    let usage = setup.end(&jobs).await?;
    ended?;
    Ok((changes, jobs, usage))
}

/// Number of jobs that keep `slots` busy for a time, plus a fifth.
fn enough(slots: f64, step: Duration) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of jobs: small and positive"
    )]
    let jobs = (1.2 * slots * step.as_secs_f64() * 1e3 / SERVICE_MS) as usize;
    jobs + 20
}

/// Slots 4, 8, 2, 4, and then a service that takes three times as long.
async fn capacity(bench: &Bench<'_>, step: Duration) -> anyhow::Result<Measured> {
    let mut setup = Setup::start(bench, "change-capacity", &[analyzer(4)], USERS).await?;
    setup.site.start_workers(WORKERS, &[]).await?;
    under_load(setup, enough(4.0 + 8.0 + 2.0 + 4.0 + 3.0, step), 6, step, async |setup, changes| {
        let stub = &setup.analyzers[0];
        sleep(step).await;
        stub.change(json!({ "slots": 8 })).await?;
        changes.made("slots 4 to 8", SERVICE_MS);
        sleep(step).await;
        stub.change(json!({ "slots": 2 })).await?;
        changes.made("slots 8 to 2", SERVICE_MS);
        sleep(step).await;
        stub.change(json!({ "slots": 4 })).await?;
        changes.made("slots 2 to 4", SERVICE_MS);
        sleep(step).await;
        stub.change(json!({ "serviceMs": 3.0 * SERVICE_MS })).await?;
        changes.made("service time x 3", 3.0 * SERVICE_MS);
        sleep(step * 2).await;
        Ok(())
    })
    .await
}

/// Kills one of three analyzers, and restarts it.
async fn one_of_three(bench: &Bench<'_>, step: Duration) -> anyhow::Result<Measured> {
    let three = [analyzer(2), analyzer(2), analyzer(2)];
    let mut setup = Setup::start(bench, "change-analyzer", &three, USERS).await?;
    setup.site.start_workers(WORKERS, &[]).await?;
    under_load(setup, enough(6.0 + 4.0 + 6.0, step), 3, step, async |setup, changes| {
        sleep(step).await;
        setup.analyzers[0].change(json!({ "health": "down" })).await?;
        changes.made("one analyzer of three dies", SERVICE_MS);
        sleep(step).await;
        setup.analyzers[0].change(json!({ "health": "up" })).await?;
        changes.made("it returns", SERVICE_MS);
        sleep(step).await;
        Ok(())
    })
    .await
}

/// Kills Redis, and restarts it empty.
async fn redis(bench: &Bench<'_>, step: Duration) -> anyhow::Result<Measured> {
    let mut own = OwnRedis::start().await?;
    let url = own.url.clone();
    let alter = |plan: &mut crate::site::Plan| plan.redis_url = Some(url);
    let mut setup = Setup::start_with(bench, "change-redis", &[analyzer(4)], USERS, alter).await?;
    setup.site.start_workers(WORKERS, &[]).await?;
    under_load(setup, enough(3.0 * 4.0, step), 3, step, async |_, changes| {
        sleep(step).await;
        own.kill().await;
        changes.made("Redis dies", SERVICE_MS);
        sleep(step).await;
        own.revive().await?;
        changes.made("Redis returns", SERVICE_MS);
        sleep(step).await;
        Ok(())
    })
    .await
}
