//! Sessions over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_shared::analyses::UserId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::store;
use super::token::OpaqueToken;
use crate::http::extract::ApiJson;
use crate::http::limits::ClientAddress;
use crate::http::problem::{ApiError, Problem};
use crate::http::state::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_guest_session)).routes(routes!(refresh_session))
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
#[serde(rename_all = "camelCase")]
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
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn create_guest_session(
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
) -> Result<(StatusCode, Json<SessionView>), ApiError> {
    let limit = state.config.server.guest_sessions_per_minute;
    state.limiter.check("guest", address, limit).await?;

    let (user, token) = (UserId(Uuid::now_v7()), OpaqueToken::generate());
    let mut transaction = state.pool.begin().await?;
    store::insert_guest(&mut transaction, user).await?;
    let ttl = state.config.server.refresh_token_ttl;
    store::insert_refresh_token(&mut transaction, user, Uuid::new_v4(), &token, ttl).await?;
    transaction.commit().await?;
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
        (status = "default", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn refresh_session(
    State(state): State<AppState>,
    ApiJson(RefreshSession { refresh_token }): ApiJson<RefreshSession>,
) -> Result<Json<SessionView>, ApiError> {
    let mut transaction = state.pool.begin().await?;
    let presented = store::use_refresh_token(&mut transaction, &OpaqueToken(refresh_token)).await?;
    let presented = presented.ok_or(ApiError::RefreshTokenInvalid)?;
    if !presented.first_use {
        store::delete_family(&mut transaction, presented.family).await?;
        transaction.commit().await?;
        tracing::warn!(user.id = %presented.user.0, "refresh token reused; its family is revoked");
        return Err(ApiError::RefreshTokenInvalid);
    }
    let token = OpaqueToken::generate();
    let ttl = state.config.server.refresh_token_ttl;
    store::insert_refresh_token(&mut transaction, presented.user, presented.family, &token, ttl)
        .await?;
    transaction.commit().await?;
    Ok(Json(session(&state, presented.user, token)?))
}

fn session(
    state: &AppState,
    user: UserId,
    OpaqueToken(refresh_token): OpaqueToken,
) -> Result<SessionView, ApiError> {
    Ok(SessionView {
        user_id: user.0,
        access_token: state.tokens.issue(user, OffsetDateTime::now_utc())?,
        token_type: "Bearer",
        expires_in: state.tokens.ttl().as_secs(),
        refresh_token,
        refresh_expires_in: state.config.server.refresh_token_ttl.as_secs(),
    })
}
