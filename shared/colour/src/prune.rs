//! Retention of analyses: those that ended long ago are deleted, in slices, with all that is kept of them.

use std::time::Duration;

use sqlx::{Connection, MySqlConnection};
use toneup_jobs::job::JobId;
use toneup_jobs::store::forget::delete;
use toneup_jobs::store::purge::{count_ended, lock_ended};
use toneup_notify::{callbacks, events};

use crate::analysis::ANALYSIS;
use crate::{photo_answers, photo_deletion};

/// Deletes at most `most` analyses that ended at least `retention` ago: result, history, events, dead letters, the answers
/// that they give to the same photos and, by jobs, the photos. A transaction of its own; returns the number of analyses.
pub async fn prune(
    conn: &mut MySqlConnection,
    retention: Duration,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    let ended = lock_ended(&mut transaction, ANALYSIS, retention, most).await?;
    if !ended.is_empty() {
        photo_deletion::schedule(&mut transaction, &ended, Duration::ZERO).await?;
        let ended: Vec<JobId> = ended.iter().copied().collect();
        delete(&mut transaction, &ended).await?;
        photo_answers::forget_all(&mut transaction, &ended).await?;
        callbacks::forget_all(&mut transaction, ended.iter().map(|id| id.0)).await?;
        events::forget(&mut transaction, ended.iter().map(|id| id.0)).await?;
    }
    transaction.commit().await?;
    Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
}

/// Counts the analyses that [`prune`] would delete.
pub async fn count_prunable(
    conn: &mut MySqlConnection,
    retention: Duration,
) -> Result<u64, sqlx::Error> {
    count_ended(conn, ANALYSIS, retention).await
}
