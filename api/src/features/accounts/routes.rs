//! Sessions over HTTP.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::problems::refresh_token_invalid;
use super::state::AccountsState;
use super::token::OpaqueToken;
use super::{store, tickets};
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
        .routes(routes!(tickets::create_stream_ticket))
}

/// What a client needs to act as its user.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionView {
    user_id: Uuid,
    /// Sent as `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// Good for one refresh.
    refresh_token: String,
    /// Seconds until the refresh token expires.
    refresh_expires_in: u64,
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
) -> Result<(StatusCode, Json<SessionView>), ApiError> {
    let policy = Policy::per_minute("guest-sessions", state.settings.guest_sessions_per_minute);
    state.limiter.check(&policy, address.network()).await?;

    let (user, token) = (UserId(Uuid::now_v7()), OpaqueToken::generate());
    let ttl = state.settings.refresh_token_ttl;
    let starting = state.pool.in_transaction(async |conn| {
        store::insert_guest(conn, user).await?;
        store::insert_refresh_token(conn, user, Uuid::new_v4(), &token, ttl).await
    });
    bounded(starting).await?;
    Ok((StatusCode::CREATED, Json(session(&state, user, token)?)))
}

/// Exchanges a refresh token for a new pair. A token that was used before revokes its whole family: someone else has it.
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
    let (presented, token) = (OpaqueToken(refresh_token), OpaqueToken::generate());
    let ttl = state.settings.refresh_token_ttl;
    let exchanging = state.pool.in_transaction(async |conn| {
        let presented = store::use_refresh_token(conn, &presented).await?;
        let presented = presented.ok_or_else(refresh_token_invalid)?;
        let (user, family) = (presented.user, presented.family);
        if presented.first_use {
            store::insert_refresh_token(conn, user, family, &token, ttl).await?;
        } else {
            // Not refused in here: that would take it back.
            store::delete_family(conn, family).await?;
        }
        Ok::<_, ApiError>(presented)
    });
    let presented = bounded(exchanging).await?;
    if !presented.first_use {
        tracing::warn!(user.id = %presented.user.0, "refresh token reused; its family is revoked");
        return Err(refresh_token_invalid());
    }
    Ok(Json(session(&state, presented.user, token)?))
}

fn session(
    state: &AccountsState,
    user: UserId,
    OpaqueToken(refresh_token): OpaqueToken,
) -> Result<SessionView, ApiError> {
    Ok(SessionView {
        user_id: user.0,
        access_token: state.tokens.issue(user, OffsetDateTime::now_utc())?,
        token_type: "Bearer",
        expires_in: state.tokens.ttl().as_secs(),
        refresh_token,
        refresh_expires_in: state.settings.refresh_token_ttl.as_secs(),
    })
}
