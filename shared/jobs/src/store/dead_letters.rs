//! Dead letters: jobs that failed for a reason that is not their request's, and messages that the broker gave up on. An
//! operator inspects, replays or drops them.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use toneup_platform::database::{Database, bind_list, retry_deadlock};

use super::finish::Finish;
use super::transitions::{self, NewTransition, Transition};
use crate::job::{JobId, Status};
use crate::outcome::Outcome;

/// A dead letter.
#[derive(Debug, Clone, FromRow)]
pub struct DeadLetter {
    /// Its number.
    pub id: u64,
    /// `job`: the job failed. `broker`: its message was given up on.
    pub source: String,
    /// The name of the job's kind, where the message names one.
    pub kind: Option<String>,
    /// The job, where the message names one.
    pub job_id: Option<JobId>,
    /// The job's error code, or the broker's reason.
    pub reason: String,
    /// The reason in words.
    pub message: String,
    /// The time of the failure.
    pub created_at: OffsetDateTime,
}

/// Records the jobs of a batch that failed for a reason that another try may not meet, in the transaction that ends them.
pub(super) async fn record_failed(
    conn: &mut MySqlConnection,
    kind: &str,
    ended: &[&Finish],
) -> Result<(), sqlx::Error> {
    let failed: Vec<_> = ended
        .iter()
        .filter_map(|finish| match &finish.outcome {
            Outcome::Failed(error) if error.retryable => Some((finish.job, error)),
            _ => None,
        })
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO dead_letters (source, kind, job_id, reason, message, created_at) ",
    );
    query.push_values(failed, |mut row, (job, error)| {
        row.push("'job'")
            .push_bind(kind)
            .push_bind(job)
            .push_bind(error.code.clone())
            .push_bind(error.message.clone())
            .push("NOW(3)");
    });
    query.build().execute(conn).await.map(drop)
}

/// A message that the broker gave up on.
#[derive(Debug, Clone)]
pub struct GivenUp {
    /// The job that it names, if it can be read.
    pub job: Option<JobId>,
    /// The kind that it names, if it can be read.
    pub kind: Option<String>,
    /// The broker's word: `rejected`, `delivery_limit`, …
    pub reason: String,
    /// Its description, for a person.
    pub message: String,
}

/// Records a message that the broker gave up on.
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

/// One list of columns for every way of finding dead letters; checked by the database at build time.
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

/// Lists dead letters, newest first, of one reason or of all.
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

/// Finds one dead letter.
pub async fn find(conn: &mut MySqlConnection, id: u64) -> Result<Option<DeadLetter>, sqlx::Error> {
    select_letters!("WHERE id = ?", id).fetch_optional(conn).await
}

/// Drops dead letters; returns their number.
pub async fn drop_letters(conn: &mut MySqlConnection, ids: &[u64]) -> Result<u64, sqlx::Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut query = QueryBuilder::new("DELETE FROM dead_letters WHERE id IN ");
    bind_list(&mut query, ids.iter().copied());
    Ok(query.build().execute(conn).await?.rows_affected())
}

/// The outcome of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It waits for a worker again, with all its attempts.
    Queued,
    /// It is under way: its message is published again.
    Republished,
    /// It ended in this state, which a replay does not undo.
    Ended(Status),
    /// There is no such job.
    Missing,
}

#[derive(Debug, FromRow)]
struct Row {
    status: Status,
    attempt: u16,
}

/// Queues a failed job again, as if it had just been submitted, and drops its dead letters. Its new end is a further event
/// for its owner.
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
        // Its worker's lease brings it back should the worker be gone.
        Status::Running => Replay::Republished,
        ended => return Ok(Replay::Ended(ended)),
    };
    transitions::record(conn, &[NewTransition::new(job, row.attempt, Transition::Replayed)])
        .await?;
    sqlx::query!("DELETE FROM dead_letters WHERE job_id = ?", job).execute(conn).await?;
    Ok(replayed)
}
