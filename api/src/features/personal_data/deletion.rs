//! Having oneself deleted: the user disappears at once, and a job erases what is kept.

use std::time::Duration;

use serde::Serialize;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_jobs::job::Status;
use toneup_jobs::store::read::{Filter, Job, list_owned};
use toneup_people::deletion::{PERSON_DELETION, schedule_pass};
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use crate::features::accounts;

/// The state of a deletion.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeletionView {
    status: DeletionStatus,
    #[serde(with = "time::serde::rfc3339")]
    requested_at: OffsetDateTime,
    /// Null while it is pending.
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

/// How far a deletion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DeletionStatus {
    /// The user exists for nobody any more; what is kept is being erased.
    Pending,
    /// Nothing is kept any more.
    Done,
    /// It needs an operator, who has been told.
    Failed,
}

impl From<Job> for DeletionView {
    fn from(job: Job) -> Self {
        let status = match job.status {
            Status::Succeeded => DeletionStatus::Done,
            Status::Queued | Status::Running => DeletionStatus::Pending,
            Status::Failed | Status::Cancelled | Status::Expired => DeletionStatus::Failed,
        };
        Self { status, requested_at: job.created_at, finished_at: job.finished_at }
    }
}

/// Has the user deleted, signed out everywhere; safe to repeat. `None` if there is no such user.
pub(super) async fn request(
    database: &Database,
    user: UserId,
) -> Result<Option<DeletionView>, sqlx::Error> {
    let requesting =
        retry_deadlock(|| database.in_transaction(async |conn| mark(conn, user).await));
    bounded(requesting).await
}

async fn mark(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<Option<DeletionView>, sqlx::Error> {
    // Whoever follows or blocks locks this row first: from here on they find nobody.
    let marked = sqlx::query!(
        "UPDATE users SET deleted_at = NOW(3) WHERE id = ? AND deleted_at IS NULL",
        user
    );
    if marked.execute(&mut *conn).await?.rows_affected() == 1 {
        accounts::sign_out_everywhere(&mut *conn, user).await?;
        schedule_pass(&mut *conn, user, 1, Duration::ZERO).await?;
    }
    find(conn, user).await
}

/// Finds the user's deletion.
pub(super) async fn find(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<Option<DeletionView>, sqlx::Error> {
    // The first pass; the second looks for what requests that were still open have left.
    let mut passes = list_owned(conn, PERSON_DELETION, user, Filter::default(), None, 2).await?;
    Ok(passes.pop().map(DeletionView::from))
}
