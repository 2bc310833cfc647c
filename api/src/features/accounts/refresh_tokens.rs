//! Refresh tokens in the database, by their hash. Those that follow one another by rotation are a family: a session.

use std::time::Duration;

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;

use super::opaque::OpaqueToken;
use super::refresh::Successor;
use crate::http::identity::{Caller, SessionId};

/// Stored state of a presented token.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) caller: Caller,
    /// True if the token has expired.
    pub(super) expired: bool,
    /// True if the token was exchanged before.
    pub(super) used: bool,
    pub(super) successor: Successor,
    /// Remaining lifetime of the successor; `None` if there is none, or it has expired.
    pub(super) successor_ttl: Option<Duration>,
}

/// Keeps a token's hash.
pub(super) async fn insert(
    conn: &mut MySqlConnection,
    caller: Caller,
    token: &OpaqueToken,
    ttl: Duration,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO refresh_tokens (token_hash, family_id, user_id, created_at, expires_at)
         VALUES (?, ?, ?, NOW(3), NOW(3) + INTERVAL ? SECOND)",
        token.hash(),
        caller.session,
        caller.user,
        ttl.as_secs(),
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Finds a token and its successor; `None` if it is unknown, or its session was revoked.
pub(super) async fn find(
    conn: &mut MySqlConnection,
    token: &OpaqueToken,
    successor: &OpaqueToken,
) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT token.user_id AS "user: UserId", token.family_id AS "session: SessionId",
                  token.expires_at <= NOW(3) AS "expired!: bool",
                  token.used_at IS NOT NULL AS "used!: bool",
                  next.token_hash IS NOT NULL AS "has_successor!: bool",
                  TIMESTAMPDIFF(MICROSECOND, next.used_at, NOW(3)) AS "used_ago: i64",
                  TIMESTAMPDIFF(SECOND, NOW(3), next.expires_at) AS "remaining: i64"
           FROM refresh_tokens token
           LEFT JOIN refresh_tokens next
                  ON next.token_hash = ? AND next.family_id = token.family_id
           LEFT JOIN sessions ON sessions.id = token.family_id
           WHERE token.token_hash = ? AND sessions.revoked_at IS NULL"#,
        successor.hash(),
        token.hash(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Standing {
        caller: Caller { user: row.user, session: row.session },
        expired: row.expired,
        used: row.used,
        successor: match row.used_ago {
            Some(micros) => {
                Successor::Used { ago: Duration::from_micros(micros.try_into().unwrap_or(0)) }
            }
            None if row.has_successor => Successor::Unused,
            None => Successor::Unknown,
        },
        successor_ttl: row
            .remaining
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
    }))
}

/// Marks a token as exchanged.
pub(super) async fn mark_used(
    conn: &mut MySqlConnection,
    token: &OpaqueToken,
) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE refresh_tokens SET used_at = NOW(3) WHERE token_hash = ?", token.hash())
        .execute(conn)
        .await
        .map(drop)
}

/// Finds the session that a refresh token began: `None` if the token is new, `Some(None)` if it was exchanged, has expired or
/// was revoked, else whose it is and how long the token is good for.
pub(crate) async fn find_begun(
    conn: &mut MySqlConnection,
    token: &OpaqueToken,
) -> Result<Option<Option<(Caller, Duration)>>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT token.user_id AS "user: UserId", token.family_id AS "session: SessionId",
                  token.used_at IS NULL AND sessions.revoked_at IS NULL AS "is_good!: bool",
                  TIMESTAMPDIFF(SECOND, NOW(3), token.expires_at) AS "remaining!: i64"
           FROM refresh_tokens token LEFT JOIN sessions ON sessions.id = token.family_id
           WHERE token.token_hash = ?"#,
        token.hash(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| {
        let remaining = u64::try_from(row.remaining).ok().filter(|seconds| *seconds > 0)?;
        let caller = Caller { user: row.user, session: row.session };
        row.is_good.then_some((caller, Duration::from_secs(remaining)))
    }))
}
