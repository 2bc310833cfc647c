//! Well-known users and stream tickets in the database.

use std::time::Duration;

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;

use super::opaque::OpaqueToken;
use crate::http::identity::{Caller, SessionId};

/// Inserts a user by a fixed id, unless it is there.
pub(super) async fn insert_well_known(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT IGNORE INTO users (id, kind, created_at) VALUES (?, 'guest', NOW(3))",
        user
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Keeps a stream ticket's hash.
pub(super) async fn insert_stream_ticket(
    conn: &mut MySqlConnection,
    caller: Caller,
    ticket: &OpaqueToken,
    ttl: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO stream_tickets (ticket_hash, user_id, session_id, expires_at)
         VALUES (?, ?, ?, NOW(3) + INTERVAL ? SECOND)",
        ticket.hash(),
        caller.user,
        caller.session,
        ttl.as_secs(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Uses a stream ticket up; answers whose it was, or `None` if it is unknown, has expired, was used before, or its session
/// was revoked.
pub(super) async fn use_stream_ticket(
    conn: &mut MySqlConnection,
    ticket: &OpaqueToken,
) -> Result<Option<(UserId, Option<SessionId>)>, sqlx::Error> {
    let hash = ticket.hash();
    let owner = sqlx::query!(
        r#"SELECT ticket.user_id AS "user: UserId", ticket.session_id AS "session: SessionId"
           FROM stream_tickets ticket LEFT JOIN sessions ON sessions.id = ticket.session_id
           WHERE ticket.ticket_hash = ? AND ticket.expires_at > NOW(3)
             AND sessions.revoked_at IS NULL"#,
        hash,
    )
    .fetch_optional(&mut *conn)
    .await?;
    // Of those who come with the same ticket at once, one deletes it.
    let deleted = sqlx::query!("DELETE FROM stream_tickets WHERE ticket_hash = ?", hash);
    let first = deleted.execute(conn).await?.rows_affected() == 1;
    Ok(owner.filter(|_| first).map(|row| (row.user, row.session)))
}
