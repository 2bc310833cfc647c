//! Fairness among thousands: one user's backlog, and thousands of users with one job each.

use std::time::Duration;

use anyhow::ensure;
use tokio::time::{Instant, sleep};

use super::counters::Servers;
use super::filling::{Rows, fill};
use super::finding::finding;
use super::fleet::Fleet;
use crate::load;
use crate::report::Report;
use crate::scenarios::common::Bench;

/// Analyzers for about 150 jobs a second.
const INSTANCES: usize = 25;
const SERVICE_MS: f64 = 667.0;
const WORKERS: usize = 20;
/// The one user's jobs, and the others, in a full and in a quick run.
const SIZES: [(usize, usize); 2] = [(100_000, 5000), (10_000, 600)];
const WANTED: f64 = 1.25;
/// Time in which the one user's jobs get going.
const BEFORE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_mins(3);

/// Measures the others' times alone, and beside the one.
pub(super) async fn run(
    bench: &Bench<'_>,
    servers: &Servers,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (backlog, others) = SIZES[usize::from(bench.quick)];
    let analyzers = (INSTANCES, SERVICE_MS);
    let mut fleet = Fleet::start(servers, "scale-tenants", analyzers, (1, 50), &[]).await?;
    fleet.add_workers(WORKERS).await?;
    // Every worker learns the analyzers' capacity, and there is a job to copy.
    load::open(&fleet.target, 200, 1.0, Duration::ZERO, PATIENCE).await;
    let alone = one_each(&fleet, "alone", others).await?;
    fill(&fleet, Rows::HeldOfOne("greedy"), backlog, PATIENCE).await?;
    sleep(BEFORE).await;
    let beside = one_each(&fleet, "beside", others).await?;
    let ratio = beside / alone;
    let with = format!(
        "the last of {others} users beside one with {backlog} jobs: {beside:.1} s, alone {alone:.1} s"
    );
    report.row(finding("last_of_many", ratio, &with).wanted("<= 1.25", ratio <= WANTED))?;
    fleet.site.close().await
}

/// Queues one job of each of `count` users; returns the seconds until the last of them had succeeded.
async fn one_each(fleet: &Fleet, name: &str, count: usize) -> anyhow::Result<f64> {
    let begun = Instant::now();
    fill(fleet, Rows::DueOfMany(name), count, PATIENCE).await?;
    let done = "SELECT COUNT(*), CAST(MAX(TIMESTAMPDIFF(MICROSECOND, created_at, finished_at)) / 1e6 AS DOUBLE)
                FROM jobs JOIN users_of_round USING (user_id) WHERE status = 'succeeded'";
    let mut conn = fleet.site.connect().await?;
    // A table of the connection's own: the users are known by their names only.
    let users = format!(
        "CREATE TEMPORARY TABLE users_of_round (user_id BINARY(16) PRIMARY KEY)
         SELECT UNHEX(MD5(CONCAT('{name}', seq))) AS user_id FROM seq_1_to_{count}"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(users)).execute(&mut conn).await?;
    loop {
        let (succeeded, longest): (i64, Option<f64>) =
            sqlx::query_as(done).fetch_one(&mut conn).await?;
        if usize::try_from(succeeded)? == count {
            return Ok(longest.unwrap_or_default());
        }
        ensure!(begun.elapsed() < PATIENCE, "{succeeded} of {count} jobs have succeeded");
        sleep(Duration::from_secs(1)).await;
    }
}
