//! Filing a report, by any endpoint.

use sqlx::MySqlConnection;
use toneup_people::posts::Visibility;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::state::ReportsState;
use super::words::{Reason, ReportKind};
use crate::features::{comments, people, posts};
use crate::http::limits::Policy;
use crate::http::problem::ApiError;

/// Reports of one user in an hour.
const REPORTS: Policy = Policy::per_hour("reports", 30);
/// Characters of a description.
const DESCRIPTION_LENGTH: usize = 1000;

/// A report to be filed.
#[derive(Debug)]
pub(crate) struct NewReport {
    pub(crate) kind: ReportKind,
    /// The thing.
    pub(crate) id: Uuid,
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
    if new.kind == ReportKind::User && new.id == user.0 {
        return Err(ApiError::invalid("id", "expected somebody else"));
    }
    state.limiter.check(&REPORTS, user.0).await?;
    let filing = bounded(async {
        let mut conn = state.pool.acquire().await?;
        if !is_there(&mut conn, user, new.kind, new.id).await? {
            return Ok::<_, sqlx::Error>(None);
        }
        sqlx::query!(
            "INSERT IGNORE INTO reports
                 (id, user_id, kind, target_id, reason, description, state, created_at)
             VALUES (?, ?, ?, ?, ?, ?, 'open', NOW(3))",
            Uuid::now_v7(),
            user,
            new.kind.as_str(),
            new.id,
            new.reason.as_str(),
            description,
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query_scalar!(
            r#"SELECT id AS "id: Uuid" FROM reports
               WHERE user_id = ? AND kind = ? AND target_id = ?"#,
            user,
            new.kind.as_str(),
            new.id,
        )
        .fetch_optional(&mut *conn)
        .await
    });
    filing.await?.ok_or(ApiError::NotFound)
}

async fn is_there(
    conn: &mut MySqlConnection,
    user: UserId,
    kind: ReportKind,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    Ok(match kind {
        ReportKind::Post => posts::find(conn, user, Visibility::Public, id).await?.is_some(),
        ReportKind::Comment => comments::find(conn, user, id).await?.is_some(),
        ReportKind::User => people::find(conn, user, UserId(id)).await?.is_some(),
    })
}
