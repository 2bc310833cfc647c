//! The beginning and the renewal of sessions over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::Deserialize;
use toneup_platform::database::bounded;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::device::Device;
use super::keys::KeySet;
use super::opaque::OpaqueToken;
use super::start::{SessionView, start_session};
use super::state::AccountsState;
use super::users::{UserKind, insert_user};
use super::{session_routes, tickets};
use crate::http::client_address::{ClientAddress, TrustedProxies};
use crate::http::extract::ApiJson;
use crate::http::identity::Authenticator;
use crate::http::limits::Policy;
use crate::http::problem::{ApiError, Problem};

/// The routes of accounts.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AccountsState: FromRef<S>,
    Authenticator: FromRef<S>,
    TrustedProxies: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_guest_session))
        .routes(routes!(refresh_session))
        .routes(routes!(session_routes::list_sessions, session_routes::revoke_sessions))
        .routes(routes!(session_routes::revoke_session))
        .routes(routes!(tickets::create_stream_ticket))
        .routes(routes!(get_key_set))
}

/// A refresh token to exchange.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefreshSession {
    refresh_token: String,
}

/// Starts a session as a new anonymous user.
#[utoipa::path(
    post,
    path = "/v1/sessions/guest",
    tag = "sessions",
    responses(
        (status = CREATED, body = SessionView),
        Problem,
    )
)]
async fn create_guest_session(
    State(state): State<AccountsState>,
    address: ClientAddress,
    Device(device): Device,
) -> Result<(StatusCode, Json<SessionView>), ApiError> {
    let policy = Policy::per_minute("guest-sessions", state.settings.guest_sessions_per_minute);
    state.limiter.check(&policy, address.network()).await?;

    let (token, ttl) = (OpaqueToken::generate(), state.settings.refresh_token_ttl);
    let starting = state.pool.in_transaction(async |conn| {
        let user = insert_user(conn, UserKind::Guest, None).await?.id;
        start_session(conn, user, &device, &token, ttl).await
    });
    let caller = bounded(starting).await?;
    Ok((StatusCode::CREATED, Json(state.view(caller, token, ttl)?)))
}

/// Exchanges a refresh token for a new pair. Repeated, because the answer was lost or another tab was faster, it answers the
/// same refresh token, until a minute after that one was used. A repetition after that revokes the session: someone else
/// has the token.
#[utoipa::path(
    post,
    path = "/v1/sessions/refresh",
    tag = "sessions",
    request_body = RefreshSession,
    responses(
        (status = OK, body = SessionView),
        Problem,
    )
)]
async fn refresh_session(
    State(state): State<AccountsState>,
    ApiJson(RefreshSession { refresh_token }): ApiJson<RefreshSession>,
) -> Result<Json<SessionView>, ApiError> {
    Ok(Json(state.refresh(&OpaqueToken(refresh_token)).await?))
}

/// The public keys that access tokens verify with (RFC 7517). Open.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "sessions",
    responses((status = OK, body = KeySet))
)]
async fn get_key_set(State(state): State<AccountsState>) -> Json<KeySet> {
    Json(state.tokens.public())
}
