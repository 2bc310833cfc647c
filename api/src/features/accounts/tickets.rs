//! Stream tickets: single-use credentials for an event stream, for clients that cannot send a token.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::state::AccountsState;
use super::store;
use super::token::OpaqueToken;
use crate::http::extract::ApiQuery;
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

const TTL: Duration = Duration::from_mins(1);

/// Opens one event stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamTicketView {
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
pub(super) async fn create_stream_ticket(
    State(state): State<AccountsState>,
    CurrentUser(user): CurrentUser,
) -> Result<(StatusCode, Json<StreamTicketView>), ApiError> {
    let ticket = OpaqueToken::generate();
    store::insert_stream_ticket(&mut *state.pool.acquire().await?, user, &ticket, TTL).await?;
    let view = StreamTicketView { ticket: ticket.0, expires_in: TTL.as_secs() };
    Ok((StatusCode::CREATED, Json(view)))
}

/// The user who opens an event stream, authenticated by token or by ticket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamUser(pub(crate) UserId);

impl<S: Send + Sync> FromRequestParts<S> for StreamUser
where
    AccountsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        #[derive(Debug, Deserialize)]
        struct Query {
            ticket: Option<String>,
        }
        let ApiQuery(Query { ticket }) = ApiQuery::from_request_parts(parts, state).await?;
        let Some(ticket) = ticket else {
            return CurrentUser::from_request_parts(parts, state).await.map(|user| Self(user.0));
        };
        let mut connection = AccountsState::from_ref(state).pool.acquire().await?;
        let user = store::use_stream_ticket(&mut connection, &OpaqueToken(ticket)).await?;
        user.map(Self).ok_or(ApiError::Unauthenticated("the ticket is unknown, expired or used"))
    }
}
