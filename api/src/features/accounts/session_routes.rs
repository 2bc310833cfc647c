//! The sessions of a user over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_platform::database::bounded;
use utoipa::ToSchema;
use uuid::Uuid;

use super::state::AccountsState;
use super::{revoke, sessions};
use crate::http::extract::{ApiQuery, IdPath};
use crate::http::identity::{CurrentSession, SessionId};
use crate::http::problem::{ApiError, Problem};

/// A device on which the caller is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionInfo {
    id: Uuid,
    /// The device's name; empty if it gave none that is known.
    device: String,
    /// Whether it is the session of this request.
    current: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// The last time that it was refreshed, or began.
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    /// Its end, unless it is refreshed before.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// The caller's sessions, newest first, at most 100.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionList {
    items: Vec<SessionInfo>,
}

/// The devices on which the caller is signed in.
#[utoipa::path(
    get,
    path = "/v1/sessions",
    tag = "sessions",
    security(("bearer" = [])),
    responses((status = OK, body = SessionList), Problem)
)]
pub(super) async fn list_sessions(
    State(state): State<AccountsState>,
    CurrentSession(caller): CurrentSession,
) -> Result<Json<SessionList>, ApiError> {
    let listing =
        bounded(async { sessions::list(&mut *state.pool.acquire().await?, caller.user).await });
    let items = listing.await?.into_iter().map(|session| SessionInfo {
        id: session.id.0,
        device: session.device,
        current: session.id == caller.session,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
    });
    Ok(Json(SessionList { items: items.collect() }))
}

/// Ends one of the caller's sessions, the current one to sign out: its tokens stop within seconds, its event streams end,
/// and its phone is not notified any more.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    tag = "sessions",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "A session's id, or `current`.")),
    responses((status = NO_CONTENT), Problem)
)]
pub(super) async fn revoke_session(
    State(state): State<AccountsState>,
    CurrentSession(caller): CurrentSession,
    IdPath(id): IdPath<String>,
) -> Result<StatusCode, ApiError> {
    let session = match id.as_str() {
        "current" => caller.session,
        id => SessionId(id.parse().map_err(|_| ApiError::NotFound)?),
    };
    if revoke::revoke(&state, caller.user, session).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NotFound)
    }
}

/// Query parameter that selects the sessions to keep.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keep {
    keep: Option<Kept>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    Current,
}

/// Ends all of the caller's sessions, or all others.
#[utoipa::path(
    delete,
    path = "/v1/sessions",
    tag = "sessions",
    security(("bearer" = [])),
    params(("keep" = Option<String>, Query, description = "`current`: the session of this request goes on.")),
    responses((status = NO_CONTENT), Problem)
)]
pub(super) async fn revoke_sessions(
    State(state): State<AccountsState>,
    CurrentSession(caller): CurrentSession,
    ApiQuery(Keep { keep }): ApiQuery<Keep>,
) -> Result<StatusCode, ApiError> {
    let kept = keep.map(|Kept::Current| caller.session);
    revoke::revoke_all(&state, caller.user, kept).await?;
    Ok(StatusCode::NO_CONTENT)
}
