//! What needs an operator: analyses that failed for a reason that is not their photo's, and messages that the broker
//! gave up on. Each can be looked at, replayed or dropped.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use super::finish::Finish;
use super::history::{self, Entry, Kind};
use super::outcome::Outcome;
use super::{AnalysisId, Status};
use crate::database::{Database, bind_list, retry_deadlock};

/// A dead letter.
#[derive(Debug, Clone, FromRow)]
pub struct DeadLetter {
    /// Its number.
    pub id: u64,
    /// `job`: the analysis failed. `broker`: its message was given up on.
    pub source: String,
    /// The analysis, where the message names one.
    pub analysis_id: Option<AnalysisId>,
    /// The analysis's error code, or the broker's reason.
    pub reason: String,
    /// The reason in words.
    pub message: String,
    /// Since when.
    pub created_at: OffsetDateTime,
}

/// Notes which of a batch failed for a reason that another try may not meet, in the transaction that ends them.
pub(super) async fn note_failed(
    conn: &mut MySqlConnection,
    ended: impl Iterator<Item = &Finish>,
) -> Result<(), sqlx::Error> {
    let failed: Vec<_> = ended
        .filter_map(|finish| match &finish.outcome {
            Outcome::Failed(error) if error.retryable => Some((finish.analysis, error)),
            _ => None,
        })
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO dead_letters (source, analysis_id, reason, message, created_at) ",
    );
    query.push_values(failed, |mut row, (analysis, error)| {
        row.push("'job'")
            .push_bind(analysis)
            .push_bind(error.code.clone())
            .push_bind(error.message.clone())
            .push("NOW(3)");
    });
    query.build().execute(conn).await.map(drop)
}

/// A message that the broker gave up on.
#[derive(Debug, Clone)]
pub struct GivenUp {
    /// The analysis it names, if it can be read.
    pub analysis: Option<AnalysisId>,
    /// The broker's word: `rejected`, `delivery_limit`, …
    pub reason: String,
    /// What it was, for a person.
    pub message: String,
}

/// Notes a message that the broker gave up on.
pub async fn note_given_up(pool: &Database, given_up: &GivenUp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO dead_letters (source, analysis_id, reason, message, created_at)
         VALUES ('broker', ?, LEFT(?, 64), LEFT(?, 500), NOW(3))",
        given_up.analysis,
        given_up.reason,
        given_up.message,
    )
    .execute(&mut *pool.acquire().await?)
    .await
    .map(drop)
}

/// Lists dead letters, newest first, of one reason or of all.
pub async fn list(
    conn: &mut MySqlConnection,
    reason: Option<&str>,
    limit: u32,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    sqlx::query_as!(
        DeadLetter,
        r#"SELECT id, source, analysis_id AS "analysis_id: AnalysisId", reason, message,
                  created_at AS "created_at: OffsetDateTime"
           FROM dead_letters WHERE ? IS NULL OR reason = ? ORDER BY id DESC LIMIT ?"#,
        reason,
        reason,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The dead letters of one analysis, newest first.
pub async fn list_of(
    conn: &mut MySqlConnection,
    analysis: AnalysisId,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    sqlx::query_as!(
        DeadLetter,
        r#"SELECT id, source, analysis_id AS "analysis_id: AnalysisId", reason, message,
                  created_at AS "created_at: OffsetDateTime"
           FROM dead_letters WHERE analysis_id = ? ORDER BY id DESC LIMIT 100"#,
        analysis
    )
    .fetch_all(conn)
    .await
}

/// One dead letter.
pub async fn find(conn: &mut MySqlConnection, id: u64) -> Result<Option<DeadLetter>, sqlx::Error> {
    sqlx::query_as!(
        DeadLetter,
        r#"SELECT id, source, analysis_id AS "analysis_id: AnalysisId", reason, message,
                  created_at AS "created_at: OffsetDateTime"
           FROM dead_letters WHERE id = ?"#,
        id
    )
    .fetch_optional(conn)
    .await
}

/// Forgets dead letters; how many there were.
pub async fn drop_letters(conn: &mut MySqlConnection, ids: &[u64]) -> Result<u64, sqlx::Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let mut query = QueryBuilder::new("DELETE FROM dead_letters WHERE id IN ");
    bind_list(&mut query, ids.iter().copied());
    Ok(query.build().execute(conn).await?.rows_affected())
}

/// What a replay came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replay {
    /// It waits for a worker again, with all its attempts.
    Queued,
    /// It is under way: its message is published again.
    Republished,
    /// It ended in this state, which a replay does not undo.
    Ended(Status),
    /// There is no such analysis.
    Missing,
}

#[derive(Debug, FromRow)]
struct Row {
    status: Status,
    attempt: u16,
}

/// Has a failed analysis tried again, as if it had just been submitted, and forgets its dead letters. Its owner is told
/// of the new outcome by a further event.
pub async fn replay(pool: &Database, analysis: AnalysisId) -> Result<Replay, sqlx::Error> {
    retry_deadlock(|| pool.in_transaction(async |conn| replay_in(conn, analysis).await)).await
}

async fn replay_in(
    conn: &mut MySqlConnection,
    analysis: AnalysisId,
) -> Result<Replay, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT status AS "status: Status", attempt
           FROM analyses WHERE id = ? FOR UPDATE"#,
        analysis
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = row else { return Ok(Replay::Missing) };
    let replayed = match row.status {
        Status::Failed => {
            sqlx::query!("DELETE FROM analysis_outcomes WHERE analysis_id = ?", analysis)
                .execute(&mut *conn)
                .await?;
            sqlx::query!(
                "UPDATE analyses SET status = 'queued', version = version + 1, attempt = 0,
                        deadline = NULL, finished_at = NULL, started_at = NULL,
                        published_at = NULL, publish_due = NOW(3), publish_seq = publish_seq + 1
                 WHERE id = ?",
                analysis
            )
            .execute(&mut *conn)
            .await?;
            Replay::Queued
        }
        Status::Queued => {
            sqlx::query!(
                "UPDATE analyses SET published_at = NULL, publish_due = NOW(3),
                        publish_seq = publish_seq + 1
                 WHERE id = ? AND publish_due IS NOT NULL",
                analysis
            )
            .execute(&mut *conn)
            .await?;
            Replay::Republished
        }
        // Its worker's lease brings it back should the worker be gone.
        Status::Running => Replay::Republished,
        ended => return Ok(Replay::Ended(ended)),
    };
    history::write(conn, &[Entry::new(analysis, row.attempt, Kind::Replayed)]).await?;
    sqlx::query!("DELETE FROM dead_letters WHERE analysis_id = ?", analysis).execute(conn).await?;
    Ok(replayed)
}
