//! Sessions in the database: the devices on which somebody is signed in.

use std::time::Duration;

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::http::identity::SessionId;

/// Most sessions that are listed; the newest ones.
const LISTED: u32 = 100;

/// A session that begins.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) user: UserId,
    /// Name by which the owner recognizes the session, at most 100 characters.
    pub(super) device: String,
}

/// A session as its owner sees it.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) id: SessionId,
    pub(super) device: String,
    pub(super) created_at: OffsetDateTime,
    pub(super) last_seen_at: OffsetDateTime,
    pub(super) expires_at: OffsetDateTime,
}

/// Begins a session, which ends after `ttl` unless it is refreshed. One that exists is left as it is, and locked.
pub(super) async fn insert(
    conn: &mut MySqlConnection,
    session: &Session,
    ttl: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT IGNORE INTO sessions (id, user_id, device, created_at, last_seen_at, expires_at)
         VALUES (?, ?, ?, NOW(3), NOW(3), NOW(3) + INTERVAL ? SECOND)",
        session.id,
        session.user,
        session.device,
        ttl.as_secs(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Locks a session until the transaction ends; `false` if there is none.
pub(super) async fn lock(
    conn: &mut MySqlConnection,
    session: SessionId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!("SELECT 1 AS found FROM sessions WHERE id = ? FOR UPDATE", session)
        .fetch_optional(conn)
        .await
        .map(|found| found.is_some())
}

/// Notes that a session's device was seen, and lets it live for `ttl` from now at least.
pub(super) async fn extend(
    conn: &mut MySqlConnection,
    session: SessionId,
    ttl: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE sessions SET last_seen_at = NOW(3),
                expires_at = GREATEST(expires_at, NOW(3) + INTERVAL ? SECOND)
         WHERE id = ?",
        ttl.as_secs(),
        session,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Names a session's device, unless the name is empty.
pub(super) async fn rename(
    conn: &mut MySqlConnection,
    session: SessionId,
    device: &str,
) -> Result<(), sqlx::Error> {
    if device.is_empty() {
        return Ok(());
    }
    sqlx::query!("UPDATE sessions SET device = ? WHERE id = ?", device, session)
        .execute(conn)
        .await
        .map(drop)
}

/// Notes the phone that a session's device is notified by.
pub(super) async fn set_push_target(
    conn: &mut MySqlConnection,
    session: SessionId,
    target: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE sessions SET push_target_id = ? WHERE id = ?", target, session)
        .execute(conn)
        .await
        .map(drop)
}

/// Lists a user's sessions that go on, newest first.
pub(super) async fn list(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<Vec<Listed>, sqlx::Error> {
    sqlx::query_as!(
        Listed,
        r#"SELECT id AS "id: SessionId", device, created_at AS "created_at: OffsetDateTime",
                  last_seen_at AS "last_seen_at: OffsetDateTime",
                  expires_at AS "expires_at: OffsetDateTime"
           FROM sessions
           WHERE user_id = ? AND revoked_at IS NULL AND expires_at > NOW(3)
           ORDER BY id DESC LIMIT ?"#,
        user,
        LISTED,
    )
    .fetch_all(conn)
    .await
}

/// Lists sessions of a user that can be revoked, in order of id, after locking them. `kept` is not among them.
pub(super) async fn lock_revocable(
    conn: &mut MySqlConnection,
    user: UserId,
    kept: Option<SessionId>,
    most: u32,
) -> Result<Vec<SessionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: SessionId" FROM sessions
           WHERE user_id = ? AND revoked_at IS NULL AND id <> ?
           ORDER BY id LIMIT ? FOR UPDATE"#,
        user,
        kept.unwrap_or(SessionId(Uuid::nil())),
        most,
    )
    .fetch_all(conn)
    .await
}

/// Locks a user's session that goes on; `false` if there is none.
pub(crate) async fn lock_owned(
    conn: &mut MySqlConnection,
    user: UserId,
    session: SessionId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT 1 AS found FROM sessions
         WHERE id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > NOW(3) FOR UPDATE",
        session,
        user,
    )
    .fetch_optional(conn)
    .await
    .map(|found| found.is_some())
}

/// Lists the sessions that were revoked within `window`, at most `most`, beginning after the given one: by time, then id.
pub(super) async fn list_revoked(
    conn: &mut MySqlConnection,
    window: Duration,
    most: u32,
) -> Result<Vec<SessionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: SessionId" FROM sessions
           WHERE revoked_at > NOW(3) - INTERVAL ? SECOND ORDER BY revoked_at DESC LIMIT ?"#,
        window.as_secs(),
        most,
    )
    .fetch_all(conn)
    .await
}
