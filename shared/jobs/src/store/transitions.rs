//! Transition history of a job, written in the transaction that makes the transition.

use serde::Serialize;
use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection};
use toneup_platform::database::json_rows;

use crate::job::JobId;
use crate::outcome::JobError;

/// A recorded transition; submission and end are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// An attempt failed; another will follow.
    AttemptFailed,
    /// A worker that was shutting down handed the job back.
    HandedBack,
    /// The lease expired because the worker vanished.
    LeaseExpired,
    /// The worker vanished, and the broker redelivered the job to another.
    TakenOver,
    /// The message was lost, and is published again.
    MessageLost,
    /// An operator replayed the job.
    Replayed,
}

impl Transition {
    /// Name of the transition in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttemptFailed => "attempt_failed",
            Self::HandedBack => "handed_back",
            Self::LeaseExpired => "lease_expired",
            Self::TakenOver => "taken_over",
            Self::MessageLost => "message_lost",
            Self::Replayed => "replayed",
        }
    }
}

/// A transition to record.
#[derive(Debug, Clone)]
pub struct NewTransition {
    /// Identifier of the job.
    pub job: JobId,
    /// Number of attempts started by then.
    pub attempt: u16,
    /// Type of the transition.
    pub transition: Transition,
    /// Error that caused the transition, if any.
    pub error: Option<JobError>,
}

impl NewTransition {
    /// A transition without an error.
    pub fn new(job: JobId, attempt: u16, transition: Transition) -> Self {
        Self { job, attempt, transition, error: None }
    }
}

/// Records transitions in the caller's transaction; writes nothing if there are none.
pub async fn record<'a>(
    conn: &mut MySqlConnection,
    entries: &'a [NewTransition],
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        job: JobId,
        attempt: u16,
        transition: &'static str,
        code: Option<&'a str>,
        message: Option<&'a str>,
    }
    if entries.is_empty() {
        return Ok(());
    }
    let row = |entry: &'a NewTransition| Row {
        job: entry.job,
        attempt: entry.attempt,
        transition: entry.transition.as_str(),
        code: entry.error.as_ref().map(|error| error.code.as_str()),
        message: entry.error.as_ref().map(|error| error.message.as_str()),
    };
    let rows: Vec<Row<'_>> = entries.iter().map(row).collect();
    let insert = sqlx::query!(
        "INSERT INTO job_transitions (job_id, attempt, transition, code, message, created_at)
         SELECT UNHEX(REPLACE(r.job, '-', '')), r.attempt, r.transition, r.code, r.message, NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             job CHAR(36) PATH '$.job', attempt SMALLINT UNSIGNED PATH '$.attempt',
             transition VARCHAR(20) PATH '$.transition',
             code LONGTEXT CHARACTER SET utf8mb4 PATH '$.code',
             message LONGTEXT CHARACTER SET utf8mb4 PATH '$.message')) AS r",
        json_rows(&rows)?,
    );
    insert.execute(conn).await.map(drop)
}

/// A transition as recorded.
#[derive(Debug, Clone, FromRow)]
pub struct RecordedTransition {
    /// Time of the transition.
    pub created_at: OffsetDateTime,
    /// Number of attempts started by then.
    pub attempt: u16,
    /// Name of the transition; see [`Transition`].
    pub transition: String,
    /// Code of the error, if any.
    pub code: Option<String>,
    /// Message of the error, if any.
    pub message: Option<String>,
}

/// Most entries that are read.
const MOST: u32 = 200;

/// Reads a job's history, oldest first.
pub async fn read(
    conn: &mut MySqlConnection,
    job: JobId,
) -> Result<Vec<RecordedTransition>, sqlx::Error> {
    sqlx::query_as!(
        RecordedTransition,
        r#"SELECT created_at AS "created_at: OffsetDateTime", attempt, transition, code, message
           FROM job_transitions WHERE job_id = ? ORDER BY id LIMIT ?"#,
        job,
        MOST
    )
    .fetch_all(conn)
    .await
}
