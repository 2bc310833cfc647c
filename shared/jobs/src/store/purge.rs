//! Retention: jobs of kinds whose results nobody reads are deleted some time after they succeeded.

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
