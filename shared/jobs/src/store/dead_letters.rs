//! Dead letters: jobs that failed for a reason other than their request, and messages dead-lettered by the broker. An
//! operator inspects, replays or drops them.

use serde::Serialize;
use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use toneup_platform::database::{Database, bind_list, json_rows, retry_deadlock};

use super::finish::Finish;
use super::transitions::{self, NewTransition, Transition};
use crate::job::{JobId, Status};
use crate::outcome::{JobError, Outcome};

/// A failed job or a dead-lettered message, as stored.
#[derive(Debug, Clone, FromRow)]
pub struct DeadLetter {
    /// Identifier, ascending by time of recording.
    pub id: u64,
    /// Origin: `job` for a failed job, `broker` for a dead-lettered message.
    pub source: String,
    /// Name of the job's kind; `None` if the message names none.
    pub kind: Option<String>,
    /// Identifier of the job; `None` if the message names none.
    pub job_id: Option<JobId>,
    /// Error code of the job, or the broker's reason.
    pub reason: String,
    /// Description of the reason, for a person.
    pub message: String,
    /// Time of the failure.
    pub created_at: OffsetDateTime,
}

/// Records the jobs of a batch that failed with a retryable error, in the transaction that ends them.
pub(super) async fn record_failed<'a>(
    conn: &mut MySqlConnection,
    kind: &str,
    ended: &[&'a Finish],
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        job: JobId,
        code: &'a str,
        message: &'a str,
    }
    let failed = |finish: &&'a Finish| match &finish.outcome {
        Outcome::Failed(JobError { code, message, retryable: true }) => {
            Some(Row { job: finish.job, code, message })
        }
        _ => None,
    };
    let rows: Vec<Row<'_>> = ended.iter().filter_map(failed).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let insert = sqlx::query!(
        "INSERT INTO dead_letters (source, kind, job_id, reason, message, created_at)
         SELECT 'job', ?, UNHEX(REPLACE(r.job, '-', '')), r.code, r.message, NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             job CHAR(36) PATH '$.job', code LONGTEXT CHARACTER SET utf8mb4 PATH '$.code',
             message LONGTEXT CHARACTER SET utf8mb4 PATH '$.message')) AS r",
        kind,
        json_rows(&rows)?,
    );
    insert.execute(conn).await.map(drop)
}

/// A message dead-lettered by the broker.
#[derive(Debug, Clone)]
pub struct GivenUp {
    /// Identifier of the job, if readable.
    pub job: Option<JobId>,
    /// Name of the job's kind, if readable.
    pub kind: Option<String>,
    /// Reason of the broker: `rejected`, `delivery_limit`, …
    pub reason: String,
    /// Description for a person.
    pub message: String,
}

/// Records a message dead-lettered by the broker.
pub async fn record_given_up(pool: &Database, given_up: &GivenUp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO dead_letters (source, kind, job_id, reason, message, created_at)
         VALUES ('broker', LEFT(?, 30), ?, LEFT(?, 64), LEFT(?, 500), NOW(3))",
        given_up.kind,
        given_up.job,
        given_up.reason,
        given_up.message,
    )
    .execute(&mut *pool.acquire().await?)
    .await
    .map(drop)
}

/// Column list shared by all queries of dead letters; checked by the database at build time.
macro_rules! select_letters {
    ($tail:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            DeadLetter,
            r#"SELECT id, source, kind, job_id AS "job_id: JobId", reason, message,
                      created_at AS "created_at: OffsetDateTime"
               FROM dead_letters "#
                + $tail
            $(, $argument)*
        )
    };
}

/// Lists dead letters, newest first; `None` for all reasons.
pub async fn list(
    conn: &mut MySqlConnection,
    reason: Option<&str>,
    limit: u32,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    match reason {
        Some(reason) => {
            select_letters!("WHERE reason = ? ORDER BY id DESC LIMIT ?", reason, limit)
                .fetch_all(conn)
                .await
        }
        None => select_letters!("ORDER BY id DESC LIMIT ?", limit).fetch_all(conn).await,
    }
}

/// Lists the dead letters of one job, newest first.
pub async fn list_of(
    conn: &mut MySqlConnection,
    job: JobId,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    select_letters!("WHERE job_id = ? ORDER BY id DESC LIMIT 100", job).fetch_all(conn).await
}

/// Finds a dead letter by its identifier.
pub async fn find(conn: &mut MySqlConnection, id: u64) -> Result<Option<DeadLetter>, sqlx::Error> {
    select_letters!("WHERE id = ?", id).fetch_optional(conn).await
}

/// Deletes dead letters; returns their number.
pub async fn drop_letters(conn: &mut MySqlConnection, ids: &[u64]) -> Result<u64, sqlx::Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut query = QueryBuilder::new("DELETE FROM dead_letters WHERE id IN ");
    bind_list(&mut query, ids.iter().copied());
    Ok(query.build().execute(conn).await?.rows_affected())
}

/// Outcome of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// The job is queued again, with all its attempts.
    Queued,
    /// The job had not ended: its message is published again.
    Republished,
    /// The job has ended in this state, which a replay does not undo.
    Ended(Status),
    /// No such job exists.
    Missing,
}

#[derive(Debug, FromRow)]
struct Row {
    status: Status,
    attempt: u16,
}

/// Queues a failed job again as if it had just been submitted, and drops its dead letters. Its new end is a further
/// event for its owner.
pub async fn replay(pool: &Database, job: JobId) -> Result<Replay, sqlx::Error> {
    retry_deadlock(|| pool.in_transaction(async |conn| replay_in(conn, job).await)).await
}

async fn replay_in(conn: &mut MySqlConnection, job: JobId) -> Result<Replay, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT status AS "status: Status", attempt
           FROM jobs WHERE id = ? FOR UPDATE"#,
        job
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(Replay::Missing) };
    let replayed = match row.status {
        Status::Failed => {
            sqlx::query!("DELETE FROM job_outcomes WHERE job_id = ?", job)
                .execute(&mut *conn)
                .await?;
            sqlx::query!(
                "UPDATE jobs SET status = 'queued', version = version + 1, attempt = 0,
                        deadline = NULL, finished_at = NULL, started_at = NULL,
                        published_at = NULL, publish_due = NOW(3), publish_seq = publish_seq + 1
                 WHERE id = ?",
                job
            )
            .execute(&mut *conn)
            .await?;
            Replay::Queued
        }
        Status::Queued => {
            sqlx::query!(
                "UPDATE jobs SET published_at = NULL, publish_due = NOW(3),
                        publish_seq = publish_seq + 1
                 WHERE id = ? AND publish_due IS NOT NULL",
                job
            )
            .execute(&mut *conn)
            .await?;
            Replay::Republished
        }
        // If its worker is gone, the expiry of the lease requeues it.
        Status::Running => Replay::Republished,
        ended => return Ok(Replay::Ended(ended)),
    };
    transitions::record(conn, &[NewTransition::new(job, row.attempt, Transition::Replayed)])
        .await?;
    sqlx::query!("DELETE FROM dead_letters WHERE job_id = ?", job).execute(conn).await?;
    Ok(replayed)
}
