//! Retention: jobs are deleted some time after they ended.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::MySqlConnection;
use toneup_platform::database::micros;

use super::forget;
use crate::job::JobId;

/// Deletes at most `most` jobs of a kind that succeeded at least `retention` ago; returns their number. Failed jobs are
/// kept, as are their dead letters.
pub async fn purge_succeeded(
    conn: &mut MySqlConnection,
    kind: &str,
    retention: Duration,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let old: Vec<JobId> = sqlx::query_scalar!(
        r#"SELECT id AS "id: JobId" FROM jobs
           WHERE kind = ? AND finished_at < NOW(3) - INTERVAL ? MICROSECOND AND status = 'succeeded'
           ORDER BY finished_at LIMIT ?"#,
        kind,
        micros(retention),
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    if old.is_empty() {
        return Ok(0);
    }
    forget::delete(conn, &old).await
}

/// Locks at most `most` jobs of a kind that ended at least `retention` ago, so that they can be deleted: a failed job may be
/// replayed at the same moment. Those that somebody else has locked are left out.
pub async fn lock_ended(
    conn: &mut MySqlConnection,
    kind: &str,
    retention: Duration,
    most: u32,
) -> Result<BTreeSet<JobId>, sqlx::Error> {
    let old = sqlx::query_scalar!(
        r#"SELECT id AS "id: JobId" FROM jobs
           WHERE kind = ? AND finished_at < NOW(3) - INTERVAL ? MICROSECOND
           ORDER BY finished_at LIMIT ? FOR UPDATE SKIP LOCKED"#,
        kind,
        micros(retention),
        most
    );
    Ok(old.fetch_all(conn).await?.into_iter().collect())
}

/// Counts the jobs of a kind that ended at least `retention` ago.
pub async fn count_ended(
    conn: &mut MySqlConnection,
    kind: &str,
    retention: Duration,
) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        "SELECT COUNT(*) FROM jobs
         WHERE kind = ? AND finished_at < NOW(3) - INTERVAL ? MICROSECOND",
        kind,
        micros(retention)
    );
    Ok(u64::try_from(count.fetch_one(conn).await?).unwrap_or_default())
}

/// Deletes at most `most` dead letters that are older than `retention`; returns their number.
pub async fn purge_dead_letters(
    conn: &mut MySqlConnection,
    retention: Duration,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let delete = sqlx::query!(
        "DELETE FROM dead_letters WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND
         ORDER BY created_at LIMIT ?",
        micros(retention),
        most
    );
    Ok(delete.execute(conn).await?.rows_affected())
}
