//! Stream tickets: what opens one event stream, once, for clients that cannot send a token.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use toneup_shared::analyses::UserId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store;
use super::token::OpaqueToken;
use crate::app::AppState;
use crate::http::extract::{ApiQuery, CurrentUser};
use crate::http::problem::{ApiError, Problem};

const TTL: Duration = Duration::from_mins(1);

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_stream_ticket))
}

/// Opens one event stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StreamTicketView {
    /// Goes into the stream's URL as `?ticket=`; good for one stream.
    ticket: String,
    /// Seconds until it expires unused.
    expires_in: u64,
}

/// Makes a ticket for `EventSource`, which cannot send a token. An event stream takes it as `?ticket=`, once.
#[utoipa::path(
    post,
    path = "/v1/stream-tickets",
    tag = "events",
    security(("bearer" = [])),
    responses(
        (status = CREATED, body = StreamTicketView),
        Problem,
    )
)]
async fn create_stream_ticket(
    State(state): State<AppState>,
    CurrentUser(user): CurrentUser,
) -> Result<(StatusCode, Json<StreamTicketView>), ApiError> {
    let ticket = OpaqueToken::generate();
    store::insert_stream_ticket(&mut *state.pool.acquire().await?, user, &ticket, TTL).await?;
    let view = StreamTicketView { ticket: ticket.0, expires_in: TTL.as_secs() };
    Ok((StatusCode::CREATED, Json(view)))
}

/// Who opens a stream: by token, or by ticket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamUser(pub(crate) UserId);

impl FromRequestParts<AppState> for StreamUser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        #[derive(Debug, Deserialize)]
        struct Query {
            ticket: Option<String>,
        }
        let ApiQuery(Query { ticket }) = ApiQuery::from_request_parts(parts, state).await?;
        let Some(ticket) = ticket else {
            return CurrentUser::from_request_parts(parts, state).await.map(|user| Self(user.0));
        };
        let mut connection = state.pool.acquire().await?;
        let user = store::use_stream_ticket(&mut connection, &OpaqueToken(ticket)).await?;
        user.map(Self).ok_or(ApiError::Unauthenticated("the ticket is unknown, expired or used"))
    }
}
