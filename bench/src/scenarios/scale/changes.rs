//! Replicas that come and go under load: many started within seconds, all but one terminated, half of them killed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::counters::Servers;
use super::finding::finding;
use super::fleet::{Fleet, SLOTS};
use crate::load;
use crate::report::Report;
use crate::scenarios::common::Bench;
use crate::scenarios::common::usage;
use crate::site::process::Process;
use crate::stub::record::Clock;

/// Few enough analyzers for one worker, whose window is 64 jobs.
const INSTANCES: usize = 12;
const SERVICE_MS: f64 = 1000.0;
const USERS: usize = 120;
/// Workers started in a full and in a quick run, and the time for it in seconds; half of them are killed at the end.
const MANY: [(usize, u64); 2] = [(100, 10), (40, 5)];
const LEVEL: f64 = 0.95;
/// Window of the utilisation, in service times.
const WINDOW_SERVICE_TIMES: f64 = 2.0;
const WANTED_SERVICE_TIMES: f64 = 3.0;
/// Time that terminated workers have: more than a service time.
const GRACE: Duration = Duration::from_secs(30);
/// Jobs of other attempts than the first.
const REPEATED: &str = "SELECT COUNT(*) FROM jobs WHERE kind = 'analysis' AND attempt > 1";

/// Changes as they were made, each with its time; the last one is the end.
struct Changes {
    made: Vec<(String, f64)>,
    /// Jobs whose first attempt was lost when the workers had been terminated.
    repeated: i64,
    /// Workers that did not end in time.
    abandoned: usize,
}

/// Measures how fast the analyzers are fully used again after each change.
pub(super) async fn run(
    bench: &Bench<'_>,
    servers: &Servers,
    report: &mut Report,
) -> anyhow::Result<()> {
    let step = bench.seconds(12.0);
    let (many, seconds) = MANY[usize::from(bench.quick)];
    let analyzers = (INSTANCES, SERVICE_MS);
    let mut fleet = Fleet::start(servers, "scale-changes", analyzers, (1, USERS), &[]).await?;
    fleet.add_workers(1).await?;
    let whole = Duration::from_secs(seconds) * 2 + step * 4;
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let rate = 1.1 * (INSTANCES * SLOTS) as f64 * 1e3 / SERVICE_MS;
    let target = Arc::clone(&fleet.target);
    let loading = load::open(&target, 200, rate, whole, Duration::from_mins(2));
    let (jobs, changed) = tokio::join!(loading, change(&mut fleet, step, many, seconds));
    let Changes { made, repeated, abandoned } = changed?;
    let usage = usage(&fleet.analyzers, &jobs).await?;
    for pair in made.windows(2) {
        let [(what, at), (_, end)] = pair else { continue };
        let back = usage.recovery(*at, *end, WINDOW_SERVICE_TIMES * SERVICE_MS, LEVEL);
        let service_times = back.map_or(f64::NAN, |ms| ms / SERVICE_MS);
        let row = finding("back_after_service_times", service_times, what);
        report.row(row.wanted("<= 3", service_times <= WANTED_SERVICE_TIMES))?;
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers of jobs")]
    let (lost, burnt) = ((jobs.accepted().count() - jobs.finished()) as f64, repeated as f64);
    let why = jobs.a_failure().map(|why| format!("; a failure: {why}")).unwrap_or_default();
    let refused = jobs.0.len() - jobs.accepted().count();
    let with = format!("{} jobs, {refused} of them refused{why}", jobs.0.len());
    report.row(finding("lost", lost, &with).wanted("0", lost < 1.0))?;
    let with = format!("{} workers terminated, {abandoned} of them not in time", many - 1);
    let met = repeated == 0 && abandoned == 0;
    report.row(finding("attempts_burnt", burnt, &with).wanted("0", met))?;
    fleet.site.close().await
}

async fn change(
    fleet: &mut Fleet,
    step: Duration,
    many: usize,
    seconds: u64,
) -> anyhow::Result<Changes> {
    let (clock, mut made) = (Clock::default(), Vec::new());
    let starting = Duration::from_secs(seconds);
    sleep(step).await;
    start_slowly(fleet, many - 1, starting).await?;
    made.push((format!("1 to {many} workers in {seconds} s"), clock.now_ms()));
    sleep(step).await;
    made.push((format!("{many} to 1 worker by SIGTERM"), clock.now_ms()));
    let ending = fleet.site.take_workers(many - 1).into_iter().map(|one| one.terminate(GRACE));
    let ended = futures_util::future::try_join_all(ending).await?;
    let abandoned = ended.iter().filter(|status| status.is_none()).count();
    sleep(step).await;
    let mut conn = fleet.site.connect().await?;
    let repeated = sqlx::query_scalar(REPEATED).fetch_one(&mut conn).await?;
    start_slowly(fleet, many - 1, starting).await?;
    made.push((format!("{} of {many} workers killed", many / 2), clock.now_ms()));
    let killing = fleet.site.take_workers(many / 2).into_iter().map(Process::kill);
    futures_util::future::join_all(killing).await;
    sleep(step).await;
    made.push((String::new(), clock.now_ms()));
    Ok(Changes { made, repeated, abandoned })
}

/// Starts `count` workers evenly over a time.
async fn start_slowly(fleet: &mut Fleet, count: usize, time: Duration) -> anyhow::Result<()> {
    const STEPS: usize = 10;
    for step in 0..STEPS {
        let more = count * (step + 1) / STEPS - count * step / STEPS;
        fleet.site.spawn_workers(more, &[])?;
        sleep(time / 10).await;
    }
    Ok(())
}
