//! Measurement of a kind's queue.

use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;

use crate::job::Status;

/// Load of one kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QueueLoad {
    /// Number of queued jobs, held ones included.
    pub queued: i64,
    /// Number of held jobs.
    pub held: i64,
    /// Number of running jobs.
    pub running: i64,
    /// Number of overdue rows of all kinds: publishes, retries, deadlines.
    pub due: i64,
    /// Number of dead letters of all kinds, counted up to 10,000.
    pub dead: i64,
    /// Number of jobs that ended in the last minute.
    pub ended: i64,
    /// Age of the oldest queued job, in seconds; `None` if none is queued.
    pub oldest_seconds: Option<f64>,
    /// Mean time from submission to end of the jobs that ended in the last minute, in seconds; `None` if none did.
    pub mean_seconds: Option<f64>,
}

/// Measures the load of a kind.
pub async fn measure_load(
    conn: &mut MySqlConnection,
    kind: &str,
) -> Result<QueueLoad, sqlx::Error> {
    let running = count(&mut *conn, kind, Status::Running).await?;
    let queued = count(&mut *conn, kind, Status::Queued).await?;
    let held = sqlx::query_scalar!("SELECT COUNT(*) FROM held_jobs WHERE kind = ?", kind)
        .fetch_one(&mut *conn)
        .await?;
    let due = sqlx::query_scalar!("SELECT COUNT(*) FROM jobs WHERE publish_due <= NOW(3)")
        .fetch_one(&mut *conn)
        .await?;
    let dead = sqlx::query_scalar!(
        "SELECT COUNT(*) FROM (SELECT 1 FROM dead_letters LIMIT 10000) AS some"
    )
    .fetch_one(&mut *conn)
    .await?;
    let oldest_seconds = sqlx::query_scalar!(
        r#"SELECT CAST(TIMESTAMPDIFF(MICROSECOND, created_at, NOW(3)) / 1e6 AS DOUBLE)
                  AS "oldest: f64"
           FROM jobs WHERE kind = ? AND status = 'queued' ORDER BY id LIMIT 1"#,
        kind
    )
    .fetch_optional(&mut *conn)
    .await?
    .flatten();
    let ended = sqlx::query!(
        r#"SELECT COUNT(*) AS count,
                  CAST(AVG(TIMESTAMPDIFF(MICROSECOND, started_at, finished_at)) / 1e6 AS DOUBLE)
                  AS "mean: f64"
           FROM jobs
           WHERE kind = ? AND finished_at > NOW(3) - INTERVAL 1 MINUTE
             AND started_at IS NOT NULL"#,
        kind
    )
    .fetch_one(conn)
    .await?;
    Ok(QueueLoad {
        queued,
        held,
        running,
        due,
        dead,
        ended: ended.count,
        oldest_seconds,
        mean_seconds: ended.mean,
    })
}

async fn count(conn: &mut MySqlConnection, kind: &str, status: Status) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT COUNT(*) FROM jobs WHERE kind = ? AND status = ?",
        kind,
        status.as_str()
    )
    .fetch_one(conn)
    .await
}
