//! A job's transition history, written in the transaction that makes the transition.

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use crate::job::JobId;
use crate::outcome::JobError;

/// A transition of a job besides its beginning and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// An attempt failed; another will follow.
    AttemptFailed,
    /// A worker that was shutting down handed it back.
    HandedBack,
    /// Its worker vanished, and its lease ran out.
    LeaseExpired,
    /// Its worker vanished, and the broker gave it to another.
    TakenOver,
    /// Its message was lost, and is published again.
    MessageLost,
    /// An operator had it tried again.
    Replayed,
}

impl Transition {
    /// The word used in SQL and JSON.
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
    /// The job.
    pub job: JobId,
    /// Attempts begun by then.
    pub attempt: u16,
    /// The transition.
    pub transition: Transition,
    /// Why, where there is more to say.
    pub error: Option<JobError>,
}

impl NewTransition {
    /// A transition without an error.
    pub fn new(job: JobId, attempt: u16, transition: Transition) -> Self {
        Self { job, attempt, transition, error: None }
    }
}

/// Records transitions in the caller's transaction; writes nothing where there are none.
pub async fn record(
    conn: &mut MySqlConnection,
    entries: &[NewTransition],
) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO job_transitions (job_id, attempt, transition, code, message, created_at) ",
    );
    query.push_values(entries, |mut row, entry| {
        row.push_bind(entry.job)
            .push_bind(entry.attempt)
            .push_bind(entry.transition.as_str())
            .push_bind(entry.error.as_ref().map(|error| error.code.clone()))
            .push_bind(entry.error.as_ref().map(|error| error.message.clone()))
            .push("NOW(3)");
    });
    query.build().execute(conn).await.map(drop)
}

/// A transition as it was recorded.
#[derive(Debug, Clone, FromRow)]
pub struct RecordedTransition {
    /// The time of the transition.
    pub created_at: OffsetDateTime,
    /// Attempts begun by then.
    pub attempt: u16,
    /// The transition; see [`Transition`].
    pub transition: String,
    /// The error's code.
    pub code: Option<String>,
    /// The error in words.
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
