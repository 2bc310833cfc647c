//! What accounts keep of a user.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;

use crate::http::export::{Export, ExportPage};

/// Longest list of sessions in an export: nobody has more devices.
const SESSIONS: u32 = 1000;

/// The lists of accounts.
pub(crate) fn exports() -> Vec<Export> {
    vec![Export::new("sessions", |conn, user, _| list_sessions(conn, user).boxed())]
}

async fn list_sessions(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<ExportPage, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT created_at AS "created_at: OffsetDateTime", expires_at AS "expires_at: OffsetDateTime"
           FROM refresh_tokens WHERE user_id = ? AND used_at IS NULL ORDER BY created_at LIMIT ?"#,
        user,
        SESSIONS
    )
    .fetch_all(conn)
    .await?;
    let text = |time: OffsetDateTime| {
        time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
    };
    let view = rows.into_iter().map(
        |row| json!({ "refreshedAt": text(row.created_at), "expiresAt": text(row.expires_at) }),
    );
    ExportPage::of(view, None)
}

/// Ends all sessions of a user, in the caller's transaction. Access tokens stay valid until they expire.
pub(crate) async fn sign_out_everywhere(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM refresh_tokens WHERE user_id = ?", user).execute(conn).await.map(drop)
}
