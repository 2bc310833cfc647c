//! How long it takes until jobs flow again, from the database's own record of when they ended.

use std::time::Duration;

use sqlx::MySqlPool;
use tokio::time::{Instant, sleep, timeout};

use super::evidence::AnalysisRow;
use super::faults::Injected;

const PAUSE: Duration = Duration::from_millis(100);
/// One look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// The first end of a job that was also begun since `since_ms`: proof that the whole way is open, and not only its end.
const FIRST_END: &str =
    "SELECT CAST(UNIX_TIMESTAMP(MIN(finished_at)) * 1000 AS DOUBLE) FROM jobs
    WHERE kind = 'analysis' AND finished_at >= FROM_UNIXTIME(? / 1000) AND started_at >= FROM_UNIXTIME(? / 1000)
    AND status = 'succeeded'";

/// Waits until a job has run from start to end since `since_ms`; after how many milliseconds that was.
pub(crate) async fn flows(database: &MySqlPool, since_ms: f64, patience: Duration) -> Option<f64> {
    let give_up = Instant::now() + patience;
    while Instant::now() < give_up {
        let look = sqlx::query_scalar::<_, Option<f64>>(FIRST_END).bind(since_ms).bind(since_ms);
        if let Ok(Ok(Some(ended_ms))) = timeout(LOOK_TIMEOUT, look.fetch_one(database)).await {
            return Some((ended_ms - since_ms).max(0.0));
        }
        sleep(PAUSE).await;
    }
    None
}

/// Analyses that have not ended.
pub(crate) async fn unfinished(database: &MySqlPool) -> anyhow::Result<i64> {
    let count = "SELECT COUNT(*) FROM jobs WHERE kind = 'analysis' AND finished_at IS NULL";
    Ok(sqlx::query_scalar(count).fetch_one(database).await?)
}

/// From a fault's clearance until every job that was there before had ended, in milliseconds; `None` when one never did.
pub(crate) fn caught_up_ms(injected: &Injected, analyses: &[AnalysisRow]) -> Option<f64> {
    let before = analyses.iter().filter(|row| row.created_ms < injected.cleared_ms);
    let ends: Option<Vec<f64>> = before.map(|row| row.finished_ms).collect();
    let last = ends?.into_iter().fold(injected.cleared_ms, f64::max);
    Some(last - injected.cleared_ms)
}

/// Whether a job was there while a fault was.
pub(crate) fn met(injected: &Injected, row: &AnalysisRow) -> bool {
    row.created_ms < injected.cleared_ms
        && row.finished_ms.is_none_or(|ended| ended > injected.began_ms)
}
