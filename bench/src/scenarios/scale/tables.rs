//! Large tables: the same requests on an empty system, and beside millions of rows; and the deletion of old ones.

use std::time::Duration;

use anyhow::Context;
use reqwest::Client;
use sqlx::Executor;
use tokio::time::{Instant, sleep};

use super::counters::Servers;
use super::filling::{Rows, fill};
use super::finding::finding;
use super::fleet::Fleet;
use crate::load::{Target, User};
use crate::measure::percentiles::Sorted;
use crate::report::Report;
use crate::scenarios::common::Bench;
use crate::site::sockets;

/// Queued and ended rows, in a full and in a quick run.
const SIZES: [(usize, usize); 2] = [(1_000_000, 10_000_000), (50_000, 300_000)];
/// Longest time for filling the tables, in a full and in a quick run.
const FILLING: [Duration; 2] = [Duration::from_secs(90), Duration::from_secs(15)];
const USERS: usize = 60;
const WORKERS: usize = 2;
/// Target of the medians, relative to the empty system.
const WANTED: f64 = 1.10;
/// Interval between two requests: so that they do not wait for each other.
const PAUSE: Duration = Duration::from_millis(20);
/// Queues that long are refused otherwise, and messages that are not there would be published again.
const SETTINGS: [(&str, &str); 2] = [("JOB_CEILING", "100000000"), ("JOB_AUDIT_INTERVAL", "10h")];
/// The audit's first statement.
const AUDIT: &str = "SELECT COUNT(*) FROM jobs FORCE INDEX (jobs_published)
                     WHERE published_at <= NOW(3) AND kind = 'analysis'";

/// Medians in milliseconds, by what is measured.
type Medians = Vec<(&'static str, f64)>;

/// Measures before and after the tables are filled, and while old rows are deleted.
pub(super) async fn run(
    bench: &Bench<'_>,
    servers: &Servers,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (queued, ended) = SIZES[usize::from(bench.quick)];
    let mut fleet = Fleet::start(servers, "scale-tables", (2, 20.0), (1, USERS), &SETTINGS).await?;
    fleet.add_workers(WORKERS).await?;
    measure(&fleet).await?;
    let (empty, memory_before) = (measure(&fleet).await?, memory(&fleet)?);
    servers.database.set("innodb_flush_log_at_trx_commit", 0).await?;
    let patience = FILLING[usize::from(bench.quick)];
    let queued = fill(&fleet, Rows::Queued, queued, patience / 4).await?;
    let ended = fill(&fleet, Rows::Ended, ended, patience).await?;
    servers.database.set("innodb_flush_log_at_trx_commit", 1).await?;
    // The server writes in the background what has been filled in.
    sleep(bench.seconds(10.0)).await;
    measure(&fleet).await?;
    let (full, memory_after) = (measure(&fleet).await?, memory(&fleet)?);
    for ((name, before), (_, after)) in empty.iter().zip(&full) {
        let ratio = after / before;
        let with = format!(
            "{queued} queued and {ended} ended rows: {after:.1} ms, without: {before:.1} ms"
        );
        report.row(finding(name, ratio, &with).wanted("<= 1.1", ratio <= WANTED))?;
    }
    let ratio = memory_after / memory_before;
    let with = format!("api and workers, {memory_after:.0} MB, before: {memory_before:.0} MB");
    report.row(finding("memory", ratio, &with).wanted("<= 1.1", ratio <= WANTED))?;
    prune(&fleet, ended, &full, report).await?;
    fleet.site.close().await
}

/// Deletes a tenth of the ended rows while others submit.
async fn prune(
    fleet: &Fleet,
    ended: usize,
    full: &Medians,
    report: &mut Report,
) -> anyhow::Result<()> {
    let rows = (ended / 10).min(200_000);
    let age = format!("{}s", 3600 + ended - rows);
    let begun = Instant::now();
    let arguments = ["prune", "--older-than", &age];
    let pruning = fleet.site.run_tool(&arguments);
    let submitting = submits(fleet);
    let (pruned, beside) = tokio::join!(pruning, submitting);
    anyhow::ensure!(pruned?.success(), "`toneup prune` failed");
    #[expect(clippy::cast_precision_loss, reason = "a number of rows")]
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    report.row(finding("prune_rows_per_s", rate, &format!("{rows} rows of {ended}")))?;
    let before = full.first().map_or(f64::NAN, |(_, median)| *median);
    let ratio = beside / before;
    let with = format!("submits beside the deletion: {beside:.1} ms, without: {before:.1} ms");
    report.row(finding("submit_beside_prune", ratio, &with).wanted("<= 2", ratio <= 2.0))
}

async fn measure(fleet: &Fleet) -> anyhow::Result<Medians> {
    let users = users(&fleet.target)?;
    let submit = submits(fleet).await;
    let give_up = Instant::now() + Duration::from_mins(1);
    let mut whole = Vec::new();
    for number in 0..USERS / 2 {
        let job = fleet.target.run(number, give_up).await;
        whole.extend(job.finished_ms.map(|finished| finished - job.sent_ms));
        sleep(PAUSE).await;
    }
    let http = crate::load::target::http()?;
    let mut list = Vec::new();
    for user in users {
        list.push(get(&http, &format!("{}/v1/analyses", fleet.site.api), user).await?);
    }
    let mut conn = fleet.site.connect().await?;
    let mut audit = Vec::new();
    for _ in 0..5 {
        let asked = Instant::now();
        conn.execute(AUDIT).await?;
        audit.push(asked.elapsed().as_secs_f64() * 1e3);
    }
    Ok(vec![
        ("submit", submit),
        ("submit_to_result", Sorted::new(whole).median()),
        ("list", Sorted::new(list).median()),
        ("audit", Sorted::new(audit).median()),
    ])
}

/// Median time of a submit, in milliseconds.
async fn submits(fleet: &Fleet) -> f64 {
    let give_up = Instant::now() + Duration::from_mins(1);
    let mut times = Vec::new();
    for number in 0..USERS {
        let job = fleet.target.submit(number, give_up).await;
        times.extend(job.accepted_ms.map(|accepted| accepted - job.sent_ms));
        sleep(PAUSE).await;
    }
    Sorted::new(times).median()
}

/// Time of one request, in milliseconds.
async fn get(http: &Client, url: &str, user: &User) -> anyhow::Result<f64> {
    let asked = Instant::now();
    let answer = http.get(url).bearer_auth(user.token()).send().await?.error_for_status()?;
    answer.bytes().await?;
    sleep(PAUSE).await;
    Ok(asked.elapsed().saturating_sub(PAUSE).as_secs_f64() * 1e3)
}

fn users(target: &Target) -> anyhow::Result<&[User]> {
    match target {
        Target::ToneUp { users } => Some(users.as_slice()),
        Target::Direct(_) => None,
    }
    .context("no users")
}

/// Memory of the api and the workers, in MB.
fn memory(fleet: &Fleet) -> anyhow::Result<f64> {
    fleet.site.processes()?.into_iter().map(sockets::memory_mb).sum()
}
