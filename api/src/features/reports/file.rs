//! Filing a report, by any endpoint.

use sqlx::MySqlConnection;
use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::state::ReportsState;
use super::words::{Reason, ReportKind};
use crate::features::chat::{self, Reportable, RoomId, Seq};
use crate::features::{comments, people, posts};
use crate::http::limits::Policy;
use crate::http::problem::ApiError;

/// Reports of one user in an hour.
const REPORTS: Policy = Policy::per_hour("reports", 30);
/// Characters of a description.
const DESCRIPTION_LENGTH: usize = 1000;

/// What is reported.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject {
    /// A post.
    Post(Uuid),
    /// A comment.
    Comment(Uuid),
    /// A person.
    User(UserId),
    /// A message, by its place.
    Message(RoomId, Seq),
}

/// A report to be filed.
#[derive(Debug)]
pub(crate) struct NewReport {
    pub(crate) subject: Subject,
    pub(crate) reason: Reason,
    pub(crate) description: Option<String>,
}

/// Files a report; returns its id. A user reports a thing once: again is the same report.
pub(crate) async fn file(
    state: &ReportsState,
    user: UserId,
    new: NewReport,
) -> Result<Uuid, ApiError> {
    let description = new.description.unwrap_or_default();
    let description = description.trim();
    if description.chars().count() > DESCRIPTION_LENGTH {
        let detail = format!("expected at most {DESCRIPTION_LENGTH} characters");
        return Err(ApiError::invalid("description", detail));
    }
    if matches!(new.subject, Subject::User(reported) if reported == user) {
        return Err(ApiError::invalid("id", "expected somebody else"));
    }
    state.limiter.check(&REPORTS, user.0).await?;
    let filing = bounded(async {
        let mut conn = state.pool.acquire().await?;
        let Some(found) = find(&mut conn, user, new.subject).await? else {
            return Ok::<_, sqlx::Error>(None);
        };
        let (room, seq) = found.message.as_ref().map(|of| (of.room, of.seq)).unzip();
        let (author, quote) = found.message.map(|of| (of.author, of.text)).unzip();
        sqlx::query!(
            "INSERT IGNORE INTO reports
                 (id, user_id, kind, target_id, reason, description, room_id, seq, author_id, quote,
                  state, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', NOW(3))",
            Uuid::now_v7(),
            user,
            found.kind.as_str(),
            found.id,
            new.reason.as_str(),
            description,
            room,
            seq,
            author,
            quote.flatten(),
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query_scalar!(
            r#"SELECT id AS "id: Uuid" FROM reports
               WHERE user_id = ? AND kind = ? AND target_id = ?"#,
            user,
            found.kind.as_str(),
            found.id,
        )
        .fetch_optional(&mut *conn)
        .await
    });
    filing.await?.ok_or(ApiError::NotFound)
}

/// What is reported, as it is stored.
struct Found {
    kind: ReportKind,
    id: Uuid,
    message: Option<Reportable>,
}

/// Finds what somebody reports; `None` if it is not there for them.
async fn find(
    conn: &mut MySqlConnection,
    user: UserId,
    subject: Subject,
) -> Result<Option<Found>, sqlx::Error> {
    let (kind, id, is_there) = match subject {
        Subject::Post(id) => {
            let found = posts::find(conn, user, Visibility::Public, id).await?;
            (ReportKind::Post, id, found.is_some())
        }
        Subject::Comment(id) => {
            (ReportKind::Comment, id, comments::find(conn, user, id).await?.is_some())
        }
        Subject::User(other) => {
            (ReportKind::User, other.0, people::find(conn, user, other).await?.is_some())
        }
        Subject::Message(room, seq) => {
            let found = chat::find_reportable(conn, user, (room, seq)).await?;
            let kind = ReportKind::Message;
            return Ok(found.map(|message| Found { kind, id: message.id, message: Some(message) }));
        }
    };
    Ok(is_there.then_some(Found { kind, id, message: None }))
}
