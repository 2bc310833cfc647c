//! Recovery times, from the times of ends that the database records.

use std::time::Duration;

use sqlx::MySqlPool;
use tokio::time::{Instant, sleep, timeout};

use super::evidence::AnalysisRow;
use super::faults::Injected;

const PAUSE: Duration = Duration::from_millis(100);
/// Timeout of one query.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// Query for the first end of a job that was also started since `since_ms`: proof that the whole pipeline works, not
/// only its end.
const FIRST_END: &str =
    "SELECT CAST(UNIX_TIMESTAMP(MIN(finished_at)) * 1000 AS DOUBLE) FROM jobs
    WHERE kind = 'analysis' AND finished_at >= FROM_UNIXTIME(? / 1000) AND started_at >= FROM_UNIXTIME(? / 1000)
    AND status = 'succeeded'";

/// Waits until a job has run from start to end since `since_ms`; returns the milliseconds passed, or `None` after
/// `patience`.
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

/// Number of analyses that have not ended.
pub(crate) async fn unfinished(database: &MySqlPool) -> anyhow::Result<i64> {
    let count = "SELECT COUNT(*) FROM jobs WHERE kind = 'analysis' AND finished_at IS NULL";
    Ok(sqlx::query_scalar(count).fetch_one(database).await?)
}

/// Milliseconds from a fault's clearance until every job of that time had ended; `None` if one never did.
pub(crate) fn caught_up_ms(injected: &Injected, analyses: &[AnalysisRow]) -> Option<f64> {
    let before = analyses.iter().filter(|row| row.created_ms < injected.cleared_ms);
    let ends: Option<Vec<f64>> = before.map(|row| row.finished_ms).collect();
    let last = ends?.into_iter().fold(injected.cleared_ms, f64::max);
    Some(last - injected.cleared_ms)
}

/// True if the job's lifetime overlaps with the fault.
pub(crate) fn met(injected: &Injected, row: &AnalysisRow) -> bool {
    row.created_ms < injected.cleared_ms
        && row.finished_ms.is_none_or(|ended| ended > injected.began_ms)
}
