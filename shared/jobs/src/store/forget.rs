//! Deleting jobs, with all that the engine keeps of them.

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use crate::document::Document;
use crate::job::JobId;

/// Deletes a user's job that has ended, in the caller's transaction; answers its payload, or `None` if there is no such job,
/// or it has not ended.
pub async fn forget(
    conn: &mut MySqlConnection,
    kind: &str,
    user: UserId,
    id: JobId,
) -> Result<Option<Document>, sqlx::Error> {
    let payload = sqlx::query_scalar!(
        r#"SELECT payload AS "payload: Document" FROM jobs
           WHERE id = ? AND user_id = ? AND kind = ? AND finished_at IS NOT NULL FOR UPDATE"#,
        id,
        user,
        kind,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if payload.is_some() {
        delete(conn, &[id]).await?;
    }
    Ok(payload)
}

/// Deletes the rows of jobs, the jobs themselves last: what is interrupted is found again. Answers how many jobs there were.
pub async fn delete(conn: &mut MySqlConnection, jobs: &[JobId]) -> Result<u64, sqlx::Error> {
    for table in ["dead_letters", "job_transitions", "job_outcomes"] {
        let mut query = QueryBuilder::new(format!("DELETE FROM {table} WHERE job_id IN "));
        bind_list(&mut query, jobs.iter().copied());
        query.build().execute(&mut *conn).await?;
    }
    let mut query = QueryBuilder::new("DELETE FROM jobs WHERE id IN ");
    bind_list(&mut query, jobs.iter().copied());
    Ok(query.build().execute(conn).await?.rows_affected())
}
