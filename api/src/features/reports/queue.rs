//! The operators' queue of reports.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_people::comments;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::words::ReportKind;
use crate::features::chat::{self, RoomId};
use crate::features::posts;

/// A report.
#[derive(Debug)]
pub(crate) struct Report {
    /// Place in the queue.
    pub(crate) number: u64,
    pub(crate) id: Uuid,
    /// Who reports.
    pub(crate) user: UserId,
    /// `post`, `comment`, `user` or `message`.
    pub(crate) kind: String,
    pub(crate) target: Uuid,
    pub(crate) reason: String,
    pub(crate) description: String,
    /// `open` or `closed`.
    pub(crate) state: String,
    pub(crate) created_at: OffsetDateTime,
    /// `removed` or `dismissed`, once it is closed.
    pub(crate) outcome: Option<String>,
    pub(crate) handled_by: Option<String>,
    /// What the reported post or comment says, while it is there; what a message said when it was reported.
    pub(crate) text: Option<String>,
}

/// An operator's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The post, the comment or the contents of the message are deleted.
    Removed,
    /// Everything stays.
    Dismissed,
}

impl Outcome {
    /// The word used in SQL and JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Dismissed => "dismissed",
        }
    }
}

/// Result of closing a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// It is closed, and so are the others about the same thing.
    Done(u64),
    /// There is no open report of this id.
    Missing,
    /// A person cannot be removed like a post.
    NotRemovable,
}

/// Lists reports, the oldest first, from just after `after`.
pub(crate) async fn list(
    conn: &mut MySqlConnection,
    state: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<Report>, sqlx::Error> {
    sqlx::query_as!(
        Report,
        r#"SELECT r.number, r.id AS "id: Uuid", r.user_id AS "user: UserId", r.kind,
                  r.target_id AS "target: Uuid", r.reason, r.description, r.state,
                  r.created_at AS "created_at: OffsetDateTime", r.outcome, r.handled_by,
                  COALESCE(r.quote, p.text, c.text) AS "text: String"
           FROM reports r FORCE INDEX (reports_queue)
           LEFT JOIN posts p ON r.kind = 'post' AND p.id = r.target_id AND p.state <> 'deleted'
           LEFT JOIN comments c
               ON r.kind = 'comment' AND c.id = r.target_id AND c.deleted_at IS NULL
           WHERE r.state = ? AND r.number > ? ORDER BY r.number LIMIT ?"#,
        state,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Closes a report and all others about the same thing, in the caller's transaction; removes the thing if that is decided.
pub(crate) async fn close(
    conn: &mut MySqlConnection,
    id: Uuid,
    outcome: Outcome,
    operator: &str,
) -> Result<Closed, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT kind, target_id AS "target: Uuid", room_id AS "room: RoomId", seq
           FROM reports WHERE id = ? AND state = 'open'"#,
        id
    );
    let Some(found) = found.fetch_optional(&mut *conn).await? else { return Ok(Closed::Missing) };
    if outcome == Outcome::Removed {
        match ReportKind::named(&found.kind) {
            Some(ReportKind::Post) => posts::remove_any(&mut *conn, found.target).await?,
            Some(ReportKind::Comment) => remove_comment(&mut *conn, found.target).await?,
            Some(ReportKind::Message) => {
                if let Some(message) = found.room.zip(found.seq) {
                    chat::remove_message(&mut *conn, message).await?;
                }
            }
            Some(ReportKind::User) | None => return Ok(Closed::NotRemovable),
        }
    }
    let close = sqlx::query!(
        "UPDATE reports SET state = 'closed', outcome = ?, handled_by = LEFT(?, 100),
                            handled_at = NOW(3)
         WHERE kind = ? AND target_id = ? AND state = 'open'",
        outcome.as_str(),
        operator,
        found.kind,
        found.target,
    );
    Ok(Closed::Done(close.execute(conn).await?.rows_affected()))
}

async fn remove_comment(conn: &mut MySqlConnection, id: Uuid) -> Result<(), sqlx::Error> {
    let number = sqlx::query_scalar!("SELECT number FROM comments WHERE id = ?", id);
    let number = number.fetch_optional(&mut *conn).await?;
    comments::remove(conn, number.as_slice()).await
}
