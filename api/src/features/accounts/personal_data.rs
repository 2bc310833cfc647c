//! Export of a user's sessions.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;

use super::sessions;
use crate::http::export::{Export, ExportPage};

/// The lists of accounts.
pub(crate) fn exports() -> Vec<Export> {
    vec![Export::new("sessions", |conn, user, _| list_sessions(conn, user).boxed())]
}

async fn list_sessions(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<ExportPage, sqlx::Error> {
    let text = |time: OffsetDateTime| {
        time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
    };
    let view = sessions::list(conn, user).await?.into_iter().map(|session| {
        json!({
            "device": session.device,
            "createdAt": text(session.created_at),
            "lastSeenAt": text(session.last_seen_at),
            "expiresAt": text(session.expires_at),
        })
    });
    ExportPage::of(view, None)
}

/// Ends all sessions of a user, in the caller's transaction. Access tokens stay valid until they expire.
pub(crate) async fn sign_out_everywhere(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM refresh_tokens WHERE user_id = ?", user).execute(conn).await.map(drop)
}
