//! Users, refresh tokens and stream tickets in the database.

use std::time::Duration;

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::token::OpaqueToken;
use super::users::{UserKind, insert_user};

/// Keeps a refresh token's hash. Tokens that follow one another by rotation share a family.
pub(super) async fn insert_refresh_token(
    conn: &mut MySqlConnection,
    user: UserId,
    family: Uuid,
    token: &OpaqueToken,
    ttl: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO refresh_tokens (token_hash, family_id, user_id, created_at, expires_at)
         VALUES (?, ?, ?, NOW(3), NOW(3) + INTERVAL ? SECOND)",
        token.hash(),
        family,
        user,
        ttl.as_secs(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Begins a session as a guest would; the caller rolls it back.
pub(crate) async fn rehearse(conn: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let user = insert_user(conn, UserKind::Guest, None).await?.id;
    let token = OpaqueToken::generate();
    insert_refresh_token(conn, user, Uuid::new_v4(), &token, Duration::from_secs(1)).await
}

/// A refresh token that was presented.
#[derive(Debug)]
pub(super) struct Presented {
    pub(super) user: UserId,
    pub(super) family: Uuid,
    /// Whether this is its first use; any other is a theft, or looks like one.
    pub(super) first_use: bool,
}

/// Marks a refresh token as used; `None` if it is unknown or has expired.
pub(super) async fn use_refresh_token(
    conn: &mut MySqlConnection,
    token: &OpaqueToken,
) -> Result<Option<Presented>, sqlx::Error> {
    let hash = token.hash();
    let used = sqlx::query!(
        "UPDATE refresh_tokens SET used_at = NOW(3)
         WHERE token_hash = ? AND used_at IS NULL AND expires_at > NOW(3)",
        hash,
    )
    .execute(&mut *conn)
    .await?;
    let row = sqlx::query!(
        r#"SELECT user_id AS "user: UserId", family_id AS "family: Uuid" FROM refresh_tokens
           WHERE token_hash = ? AND expires_at > NOW(3)"#,
        hash,
    )
    .fetch_optional(conn)
    .await?;
    let first_use = used.rows_affected() == 1;
    Ok(row.map(|row| Presented { user: row.user, family: row.family, first_use }))
}

/// Forgets a family: none of its tokens refreshes anything any more.
pub(super) async fn delete_family(
    conn: &mut MySqlConnection,
    family: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM refresh_tokens WHERE family_id = ?", family)
        .execute(conn)
        .await
        .map(drop)
}

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
    user: UserId,
    ticket: &OpaqueToken,
    ttl: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO stream_tickets (ticket_hash, user_id, expires_at)
         VALUES (?, ?, NOW(3) + INTERVAL ? SECOND)",
        ticket.hash(),
        user,
        ttl.as_secs(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Uses a stream ticket up; answers whose it was, or `None` if it is unknown, has expired, or was used before.
pub(super) async fn use_stream_ticket(
    conn: &mut MySqlConnection,
    ticket: &OpaqueToken,
) -> Result<Option<UserId>, sqlx::Error> {
    let hash = ticket.hash();
    let owner = sqlx::query_scalar!(
        r#"SELECT user_id AS "user: UserId" FROM stream_tickets
           WHERE ticket_hash = ? AND expires_at > NOW(3)"#,
        hash,
    )
    .fetch_optional(&mut *conn)
    .await?;
    // Of those who come with the same ticket at once, one deletes it.
    let deleted = sqlx::query!("DELETE FROM stream_tickets WHERE ticket_hash = ?", hash);
    let first = deleted.execute(conn).await?.rows_affected() == 1;
    Ok(owner.filter(|_| first))
}
