//! `Idempotency-Key`: a request that is repeated finds what the first one created.
//!
//! A feature claims the key in the transaction that creates the thing:
//!
//! ```text
//! match claim(conn, user, "post", &key, id).await? {
//!     Claimed::First => insert(conn, id, …).await?,
//!     Claimed::Repeated(id) => …,
//!     Claimed::Reused => …, // `key_reused()`
//! }
//! ```

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use sqlx::MySqlConnection;
use toneup_platform::database::micros;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::extract::single;
use super::problem::{ApiError, ProblemKind};
use super::purge::Purge;

const HEADER: &str = "Idempotency-Key";
/// Longest key, in characters.
const LENGTH: usize = 128;

const IDEMPOTENCY_KEY_REUSED: ProblemKind = ProblemKind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "idempotency_key_reused",
    "Idempotency key reused",
);

/// Every kind of problem that a key raises.
pub(crate) const PROBLEMS: &[ProblemKind] = &[IDEMPOTENCY_KEY_REUSED];

/// Refuses a key that came with another request before.
pub(crate) fn key_reused() -> ApiError {
    let detail = "this Idempotency-Key was used before, with another request";
    IDEMPOTENCY_KEY_REUSED.raise(detail).into()
}

/// Reads the key of a request, if it has one.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = single(headers, HEADER)? else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > LENGTH {
        let detail = format!("expected 1 to {LENGTH} printable ASCII characters");
        return Err(ApiError::invalid(HEADER, detail));
    }
    Ok(Some(key.to_owned()))
}

/// A client's key, and what the request was.
#[derive(Debug, Clone)]
pub(crate) struct RequestKey {
    key: String,
    fingerprint: [u8; 32],
}

impl RequestKey {
    /// Reads the key of a request, if it has one. `body`: what makes it the same request.
    pub(crate) fn of(headers: &HeaderMap, body: &[u8]) -> Result<Option<Self>, ApiError> {
        let key = key_of(headers)?;
        Ok(key.map(|key| Self { key, fingerprint: Sha256::digest(body).into() }))
    }

    /// The key of a client that sends none: the same body is the same request.
    pub(crate) fn implied(body: &[u8]) -> Self {
        let fingerprint: [u8; 32] = Sha256::digest(body).into();
        // No client can send a key with a control character.
        Self { key: format!("\u{1}request:{}", hex::encode(fingerprint)), fingerprint }
    }
}

/// Result of claiming a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// The request is new: its result has the given id.
    First,
    /// The same request has created this.
    Repeated(Uuid),
    /// Another request had the key.
    Reused,
}

/// Claims a key of the user's for what gets the id `id`, in the transaction that creates it. `scope`: which call it is. A
/// concurrent request with the same key waits for this transaction's end.
pub(crate) async fn claim(
    conn: &mut MySqlConnection,
    user: UserId,
    scope: &str,
    key: &RequestKey,
    id: Uuid,
) -> Result<Claimed, sqlx::Error> {
    let insert = sqlx::query!(
        "INSERT IGNORE INTO request_keys
             (user_id, scope, request_key, fingerprint, result_id, created_at)
         VALUES (?, ?, ?, ?, ?, NOW(3))",
        user,
        scope,
        key.key,
        key.fingerprint.as_slice(),
        id,
    );
    if insert.execute(&mut *conn).await?.rows_affected() == 1 {
        return Ok(Claimed::First);
    }
    let holder = sqlx::query!(
        r#"SELECT fingerprint, result_id AS "result_id: Uuid" FROM request_keys
           WHERE user_id = ? AND scope = ? AND request_key = ?"#,
        user,
        scope,
        key.key,
    )
    .fetch_one(conn)
    .await?;
    let is_same = holder.fingerprint == key.fingerprint;
    Ok(if is_same { Claimed::Repeated(holder.result_id) } else { Claimed::Reused })
}

/// Retention: keys may be used again after `ttl`.
pub(crate) fn purge(ttl: Duration) -> Purge {
    Purge::new("request_keys", move |conn, most| {
        Box::pin(async move {
            let delete = sqlx::query!(
                "DELETE FROM request_keys WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
                micros(ttl),
                most
            );
            Ok(delete.execute(conn).await?.rows_affected())
        })
    })
}
