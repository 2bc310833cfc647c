//! Audit log of operators: each entry records operator, action, target, time and address.

use std::net::IpAddr;

use sqlx::{FromRow, MySqlConnection};
use time::OffsetDateTime;

/// An audited action of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Pause the workers' intake of jobs.
    PauseIntake,
    /// Resume the workers' intake of jobs.
    ResumeIntake,
    /// Cancel a job.
    CancelJob,
    /// Requeue a failed job.
    RetryJob,
    /// Requeue the jobs of dead letters.
    ReplayDeadLetters,
    /// Delete dead letters.
    DropDeadLetters,
    /// Drain a replica.
    DrainReplica,
    /// Store a product of the catalogue.
    WriteProduct,
    /// Delete a product of the catalogue.
    DeleteProduct,
    /// Revoke the tokens of an operator.
    RevokeOperator,
    /// Decide on what users have reported.
    CloseReport,
}

impl Action {
    /// Name of the action in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PauseIntake => "pause_intake",
            Self::ResumeIntake => "resume_intake",
            Self::CancelJob => "cancel_job",
            Self::RetryJob => "retry_job",
            Self::ReplayDeadLetters => "replay_dead_letters",
            Self::DropDeadLetters => "drop_dead_letters",
            Self::DrainReplica => "drain_replica",
            Self::WriteProduct => "write_product",
            Self::DeleteProduct => "delete_product",
            Self::RevokeOperator => "revoke_operator",
            Self::CloseReport => "close_report",
        }
    }
}

/// An entry to write.
#[derive(Debug, Clone)]
pub struct AuditEntry<'a> {
    /// Name of the operator.
    pub operator: &'a str,
    /// Action performed.
    pub action: Action,
    /// Job, replica, dead letters or product that the action concerns.
    pub target: &'a str,
    /// Further details, if any.
    pub detail: Option<&'a str>,
    /// Address of the operator; `None` for the command line.
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

/// An entry as recorded.
#[derive(Debug, Clone, FromRow)]
pub struct Recorded {
    /// Identifier, ascending by time.
    pub id: u64,
    /// Name of the operator.
    pub operator: String,
    /// Name of the action; see [`Action`].
    pub action: String,
    /// Job, replica or dead letters that the action concerned.
    pub target: String,
    /// Further details, if any.
    pub detail: Option<String>,
    /// Address of the operator; `None` for the command line.
    pub address: Option<String>,
    /// Time of the action.
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
