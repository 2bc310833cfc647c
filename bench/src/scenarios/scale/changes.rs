//! Replicas that come and go under load: many started within seconds, all but one terminated, half of them killed.

use std::time::Duration;

use sqlx::Row as _;
use tokio::time::sleep;

use super::counters::Servers;
use super::fleet::{Fleet, SLOTS};
use super::{Bench, finding};
use crate::load;
use crate::report::Report;
use crate::scenarios::common::usage;
use crate::stub::record::Clock;

/// Few enough analyzers for one worker, whose window is 64 jobs.
const INSTANCES: usize = 12;
const SERVICE_MS: f64 = 1000.0;
const MANY: usize = 100;
const KILLED: usize = 50;
const USERS: usize = 120;
/// Time in which the workers are started.
const STARTING: Duration = Duration::from_secs(10);
const LEVEL: f64 = 0.95;
/// Window of the utilisation, in service times.
const WINDOW_SERVICE_TIMES: f64 = 2.0;
const WANTED_SERVICE_TIMES: f64 = 3.0;
/// Time that terminated workers have: more than a service time.
const GRACE: Duration = Duration::from_secs(30);
/// Jobs of other attempts than the first.
const REPEATED: &str = "SELECT COUNT(*) FROM jobs WHERE kind = 'analysis' AND attempt > 1";

/// Measures how fast the analyzers are fully used again after each change.
pub(super) async fn run(
    bench: &Bench<'_>,
    servers: &Servers,
    report: &mut Report,
) -> anyhow::Result<()> {
    let step = bench.seconds(12.0).max(Duration::from_secs(8));
    let analyzers = (INSTANCES, SERVICE_MS);
    let mut fleet = Fleet::start(servers, "scale-changes", analyzers, (1, USERS), &[]).await?;
    fleet.add_workers(1).await?;
    let whole = STARTING * 2 + step * 4;
    #[expect(clippy::cast_precision_loss, reason = "a hundred")]
    let rate = 1.1 * (INSTANCES * SLOTS) as f64 * 1e3 / SERVICE_MS;
    let target = std::sync::Arc::clone(&fleet.target);
    let loading = load::open(&target, 200, rate, whole, Duration::from_mins(2));
    let changing = async {
        let (clock, mut made) = (Clock::default(), Vec::new());
        sleep(step).await;
        start_slowly(&mut fleet).await?;
        made.push(("1 to 100 workers in 10 s", clock.now_ms()));
        sleep(step).await;
        made.push(("100 to 1 by SIGTERM", clock.now_ms()));
        let ending = fleet.site.take_workers(MANY - 1).into_iter().map(|one| one.terminate(GRACE));
        let abandoned = futures_util::future::try_join_all(ending).await?;
        let abandoned = abandoned.iter().filter(|status| status.is_none()).count();
        sleep(step).await;
        let repeated = count(&fleet, REPEATED).await?;
        start_slowly(&mut fleet).await?;
        made.push(("50 killed", clock.now_ms()));
        let killing = fleet.site.take_workers(KILLED).into_iter().map(|one| one.kill());
        futures_util::future::join_all(killing).await;
        sleep(step).await;
        made.push(("end", clock.now_ms()));
        anyhow::Ok((made, repeated, abandoned))
    };
    let (jobs, changed) = tokio::join!(loading, changing);
    let (made, repeated, abandoned) = changed?;
    let usage = usage(&fleet.analyzers, &jobs).await?;
    for pair in made.windows(2) {
        let [(what, at), (_, end)] = pair else { continue };
        let back = usage.recovery(*at, *end, WINDOW_SERVICE_TIMES * SERVICE_MS, LEVEL);
        let service_times = back.map_or(f64::NAN, |ms| ms / SERVICE_MS);
        let row = finding("back_after_service_times", service_times, what);
        report.row(row.wanted("<= 3", service_times <= WANTED_SERVICE_TIMES))?;
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers of jobs")]
    let lost = (jobs.failures() + jobs.unfinished()) as f64;
    let with = format!("{} jobs through all three changes", jobs.0.len());
    report.row(finding("lost", lost, &with).wanted("0", lost < 1.0))?;
    let with = format!("99 workers terminated, {abandoned} of them not in time");
    let met = repeated == 0 && abandoned == 0;
    #[expect(clippy::cast_precision_loss, reason = "numbers of jobs")]
    report.row(finding("attempts_burnt", repeated as f64, &with).wanted("0", met))?;
    fleet.site.close().await
}

/// Starts workers evenly over [`STARTING`], until there are [`MANY`].
async fn start_slowly(fleet: &mut Fleet) -> anyhow::Result<()> {
    const AT_ONCE: usize = 11;
    const STEPS: u32 = 9;
    for _ in 0..STEPS {
        fleet.site.spawn_workers(AT_ONCE, &[])?;
        sleep(STARTING / STEPS).await;
    }
    Ok(())
}

async fn count(fleet: &Fleet, query: &'static str) -> anyhow::Result<i64> {
    let row = sqlx::query(query).fetch_one(&mut fleet.site.connect().await?).await?;
    Ok(row.try_get(0)?)
}
