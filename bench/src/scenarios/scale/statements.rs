//! Prepared statements: batches of all sizes on a database that keeps a thousand of them.

use std::time::Duration;

use super::counters::Servers;
use super::finding::finding;
use super::fleet::Fleet;
use crate::load;
use crate::report::Report;
use crate::scenarios::common::Bench;

/// The server's `max_prepared_stmt_count`.
const LIMIT: u32 = 1000;
/// The server's default.
const DEFAULT: u32 = 16_382;
const WORKERS: usize = 2;
const USERS: usize = 64;
/// Bursts in a full and in a quick run.
const BURSTS: (usize, usize) = (80, 25);

/// Submits bursts of many sizes, and counts what is refused.
pub(super) async fn run(
    bench: &Bench<'_>,
    servers: &Servers,
    report: &mut Report,
) -> anyhow::Result<()> {
    servers.database.set("max_prepared_stmt_count", LIMIT).await?;
    let mut fleet = Fleet::start(servers, "scale-statements", (4, 20.0), (1, USERS), &[]).await?;
    fleet.add_workers(WORKERS).await?;
    let (mut submits, mut lost, mut most) = (0, 0, 0);
    let bursts = if bench.quick { BURSTS.1 } else { BURSTS.0 };
    for burst in 0..bursts {
        // Every size from 1 to 64, in no order.
        let size = burst * 37 % USERS + 1;
        let patience = Duration::from_secs(30);
        let jobs = load::open(&fleet.target, size, 1.0, Duration::ZERO, patience).await;
        submits += size;
        lost += jobs.failures() + jobs.unfinished();
        most = most.max(servers.database.status("Prepared_stmt_count").await?);
    }
    let with = format!(
        "{submits} submits in bursts of 1 to {USERS}, 1 api, {WORKERS} workers, a limit of {LIMIT}"
    );
    #[expect(clippy::cast_precision_loss, reason = "numbers of jobs")]
    report.row(finding("refused_or_failed", lost as f64, &with).wanted("0", lost == 0))?;
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    let row = finding("prepared_statements", most as f64, "the most at any time, in the same run");
    report.row(row.wanted(format!("< {LIMIT}"), most < u64::from(LIMIT)))?;
    servers.database.set("max_prepared_stmt_count", DEFAULT).await?;
    fleet.site.close().await
}
