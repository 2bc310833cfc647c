//! Erasing a user's jobs, with all that is kept of them.

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use crate::job::JobId;

/// The tables that [`erase`] empties of a user's rows.
pub const TABLES: &[&str] =
    &["job_transitions", "job_outcomes", "dead_letters", "held_jobs", "idempotency_keys", "jobs"];

/// Erases at most `most` of a user's jobs of all kinds but `kept`, whatever their state: a worker that still runs one finds
/// its lease gone, and stores nothing. Returns the number of jobs and keys; 0 when none are left.
pub async fn erase(
    conn: &mut MySqlConnection,
    user: UserId,
    kept: &str,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let keys = sqlx::query!("DELETE FROM idempotency_keys WHERE user_id = ? LIMIT ?", user, most);
    let keys = keys.execute(&mut *conn).await?.rows_affected();
    let jobs: Vec<JobId> = sqlx::query_scalar!(
        r#"SELECT id AS "id: JobId" FROM jobs FORCE INDEX (jobs_history)
           WHERE user_id = ? AND kind <> ? ORDER BY kind, id LIMIT ? FOR UPDATE"#,
        user,
        kept,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    if jobs.is_empty() {
        return Ok(keys);
    }
    sqlx::query!("DELETE FROM held_jobs WHERE user_id = ? AND kind <> ?", user, kept)
        .execute(&mut *conn)
        .await?;
    for table in ["job_transitions", "job_outcomes", "dead_letters"] {
        let mut query = QueryBuilder::new(format!("DELETE FROM {table} WHERE job_id IN "));
        bind_list(&mut query, jobs.iter().copied());
        query.build().execute(&mut *conn).await?;
    }
    let mut query = QueryBuilder::new("DELETE FROM jobs WHERE id IN ");
    bind_list(&mut query, jobs.iter().copied());
    Ok(keys + query.build().execute(conn).await?.rows_affected())
}
