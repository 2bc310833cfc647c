//! Maintenance tasks: the purge of expired rows, the report of the connection pool.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_platform::database::Database;
use toneup_platform::leader::Leadership;
use toneup_platform::shutdown::Shutdown;

use crate::http::purge::Purge;

/// Rows that one statement deletes: short locks, whatever the backlog.
const CHUNK: u32 = 1000;
/// Time between two purges.
const INTERVAL: Duration = Duration::from_mins(10);

/// Starts the maintenance tasks; they end when `shutdown` drains.
pub(super) fn spawn_maintenance(
    purges: Vec<Purge>,
    pool: Database,
    leadership: Leadership,
    shutdown: &Shutdown,
) {
    let (tasks, draining) = (&shutdown.tasks, &shutdown.draining);
    tasks.spawn(run_purges(pool.clone(), purges, leadership, draining.clone()));
    tasks.spawn(pool.report(draining.clone()));
}

/// Deletes expired rows every few minutes, on the replica that leads, until `draining`.
async fn run_purges(
    pool: Database,
    purges: Vec<Purge>,
    leadership: Leadership,
    draining: CancellationToken,
) {
    // Replicas that start together need not delete together.
    let mut pause = INTERVAL.mul_f64(rand::random());
    while draining.run_until_cancelled(sleep(pause)).await.is_some() {
        pause = INTERVAL;
        if !leadership.is_held() {
            continue;
        }
        for rule in &purges {
            if let Err(error) = purge(&pool, rule).await {
                tracing::warn!(%error, table = rule.table(), "cannot purge expired rows");
            }
        }
    }
}

/// Deletes the expired rows of one table, in chunks.
pub async fn purge(pool: &Database, rule: &Purge) -> Result<(), sqlx::Error> {
    loop {
        let deleted = rule.delete(&mut *pool.acquire().await?, CHUNK).await?;
        if deleted < u64::from(CHUNK) {
            return Ok(());
        }
    }
}
