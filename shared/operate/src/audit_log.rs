//! The audit log of operators: who did what to which target, when, and from which address.

use std::net::IpAddr;

use sqlx::{FromRow, MySqlConnection};
use time::OffsetDateTime;

/// An action of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Stop the workers from taking jobs.
    PauseIntake,
    /// Let them take jobs again.
    ResumeIntake,
    /// Withdraw a job.
    CancelJob,
    /// Have a failed job tried again.
    RetryJob,
    /// Have the jobs of dead letters tried again.
    ReplayDeadLetters,
    /// Forget dead letters.
    DropDeadLetters,
    /// Have a replica end in order.
    DrainReplica,
}

impl Action {
    /// The word in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PauseIntake => "pause_intake",
            Self::ResumeIntake => "resume_intake",
            Self::CancelJob => "cancel_job",
            Self::RetryJob => "retry_job",
            Self::ReplayDeadLetters => "replay_dead_letters",
            Self::DropDeadLetters => "drop_dead_letters",
            Self::DrainReplica => "drain_replica",
        }
    }
}

/// An entry to write.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// The operator.
    pub operator: &'a str,
    /// The action.
    pub action: Action,
    /// The job, replica or dead letters that it concerns.
    pub target: &'a str,
    /// More, where there is more to say.
    pub detail: Option<&'a str>,
    /// From where; `None`: from the command line.
    pub address: Option<IpAddr>,
}

/// Writes an entry, in the caller's transaction.
pub async fn record(conn: &mut MySqlConnection, entry: &AuditEntry<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO operator_actions (operator, action, target, detail, address, created_at)
         VALUES (LEFT(?, 100), ?, LEFT(?, 100), LEFT(?, 500), ?, NOW(3))",
        entry.operator,
        entry.action.as_str(),
        entry.target,
        entry.detail,
        entry.address.map(|address| address.to_string()),
    )
    .execute(conn)
    .await?;
    tracing::info!(
        entry.operator,
        action = entry.action.as_str(),
        entry.target,
        "an operator acts"
    );
    Ok(())
}

/// An entry as it was written.
#[derive(Debug, Clone, FromRow)]
pub struct Recorded {
    /// Its number.
    pub id: u64,
    /// Who.
    pub operator: String,
    /// What; see [`Action`].
    pub action: String,
    /// On which job, replica or dead letters.
    pub target: String,
    /// More, where there is more to say.
    pub detail: Option<String>,
    /// From where; `None`: from the command line.
    pub address: Option<String>,
    /// When.
    pub created_at: OffsetDateTime,
}

/// Lists the log, newest first, from just before `before`.
pub async fn list(
    conn: &mut MySqlConnection,
    before: Option<u64>,
    limit: u32,
) -> Result<Vec<Recorded>, sqlx::Error> {
    sqlx::query_as!(
        Recorded,
        r#"SELECT id, operator, action, target, detail, address,
                  created_at AS "created_at: OffsetDateTime"
           FROM operator_actions WHERE id < ? ORDER BY id DESC LIMIT ?"#,
        before.unwrap_or(u64::MAX),
        limit
    )
    .fetch_all(conn)
    .await
}
