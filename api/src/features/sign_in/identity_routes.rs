//! A user's identities over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_platform::database::{bounded, retry_deadlock};
use utoipa::ToSchema;
use uuid::Uuid;

use super::enter::link;
use super::identities;
use super::problems::last_identity;
use super::state::SignInState;
use crate::features::accounts::lock_session;
use crate::http::client_address::ClientAddress;
use crate::http::extract::{ApiJson, IdPath};
use crate::http::identity::{CurrentSession, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// An account elsewhere with which the caller can sign in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct IdentityView {
    id: Uuid,
    /// The provider's name.
    provider: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// The caller's identities, oldest first; none of a guest.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IdentityList {
    items: Vec<IdentityView>,
}

/// The accounts elsewhere with which the caller can sign in.
#[utoipa::path(
    get,
    path = "/v1/identities",
    tag = "sign-in",
    security(("bearer" = [])),
    responses((status = OK, body = IdentityList), Problem)
)]
pub(super) async fn list_identities(
    State(state): State<SignInState>,
    CurrentUser(user): CurrentUser,
) -> Result<Json<IdentityList>, ApiError> {
    let listing =
        bounded(async { identities::list(&mut *state.pool.acquire().await?, user).await });
    let items = listing.await?.into_iter().map(|identity| IdentityView {
        id: identity.id,
        provider: identity.provider,
        created_at: identity.created_at,
    });
    Ok(Json(IdentityList { items: items.collect() }))
}

/// An identity to add.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LinkIdentity {
    /// One of `/v1/sign-in/providers`.
    provider: String,
    /// The provider's ID token.
    id_token: String,
    /// The nonce that it was asked for with.
    nonce: Option<String>,
}

/// Adds an identity to the caller's account. Idempotent.
#[utoipa::path(
    post,
    path = "/v1/identities",
    tag = "sign-in",
    security(("bearer" = [])),
    request_body = LinkIdentity,
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`identity_taken`: it belongs to another account."),
        Problem,
    )
)]
pub(super) async fn link_identity(
    State(state): State<SignInState>,
    address: ClientAddress,
    CurrentSession(caller): CurrentSession,
    ApiJson(LinkIdentity { provider, id_token, nonce }): ApiJson<LinkIdentity>,
) -> Result<StatusCode, ApiError> {
    state.check_rate(address).await?;
    let (name, offered) = state.offered(&provider)?;
    let profile = offered.provider.verify(&id_token, nonce.as_deref()).await?;
    link(&state, caller, name, &profile).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes an identity of the caller; the last one stays.
#[utoipa::path(
    delete,
    path = "/v1/identities/{id}",
    tag = "sign-in",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`last_identity`: nobody could sign in any more."),
        Problem,
    )
)]
pub(super) async fn unlink_identity(
    State(state): State<SignInState>,
    CurrentSession(caller): CurrentSession,
    IdPath(id): IdPath<Uuid>,
) -> Result<StatusCode, ApiError> {
    let unlinking = retry_deadlock(|| {
        state.pool.in_transaction(async |conn| {
            if !lock_session(conn, caller.user, caller.session).await? {
                return Ok(Unlinked::SessionEnded);
            }
            let all = identities::list_locked(conn, caller.user).await?;
            if !all.iter().any(|identity| identity.id == id) {
                return Ok(Unlinked::Unknown);
            }
            if all.len() == 1 {
                return Ok(Unlinked::Last);
            }
            identities::delete(conn, caller.user, id).await?;
            Ok(Unlinked::Yes)
        })
    });
    match bounded(unlinking).await? {
        Unlinked::Yes => Ok(StatusCode::NO_CONTENT),
        Unlinked::Unknown => Err(ApiError::NotFound),
        Unlinked::Last => Err(last_identity()),
        Unlinked::SessionEnded => {
            Err(ApiError::Unauthenticated("the session was ended; sign in again"))
        }
    }
}

enum Unlinked {
    Yes,
    Unknown,
    Last,
    SessionEnded,
}
