//! Stream tickets: single-use credentials for an event stream, for clients that cannot send a token.

use std::time::Duration;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use toneup_platform::identity::UserId;
use utoipa::ToSchema;

use super::opaque::OpaqueToken;
use super::state::AccountsState;
use super::store;
use crate::http::extract::ApiQuery;
use crate::http::identity::{Authenticator, Caller, CurrentSession, Ending, SessionId};
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
    CurrentSession(caller): CurrentSession,
) -> Result<(StatusCode, Json<StreamTicketView>), ApiError> {
    let ticket = OpaqueToken::generate();
    store::insert_stream_ticket(&mut *state.pool.acquire().await?, caller, &ticket, TTL).await?;
    let view = StreamTicketView { ticket: ticket.0, expires_in: TTL.as_secs() };
    Ok((StatusCode::CREATED, Json(view)))
}

impl AccountsState {
    /// Uses a ticket up; returns whose it was, and the session that it was made in.
    pub(crate) async fn redeem_ticket(
        &self,
        ticket: String,
    ) -> Result<(UserId, Option<SessionId>), ApiError> {
        let mut connection = self.pool.acquire().await?;
        let owner = store::use_stream_ticket(&mut connection, &OpaqueToken(ticket)).await?;
        owner.ok_or(ApiError::Unauthenticated("the ticket is unknown, expired or used"))
    }
}

/// The user who opens an event stream, authenticated by token or by ticket.
pub(crate) struct StreamUser {
    pub(crate) user: UserId,
    /// Completes when the session is revoked: the stream ends with it.
    pub(crate) until_revoked: Ending,
}

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
        let authenticator = Authenticator::from_ref(state);
        let ApiQuery(Query { ticket }) = ApiQuery::from_request_parts(parts, state).await?;
        let (user, session) = match ticket {
            None => {
                let Caller { user, session } = authenticator.caller(parts)?;
                (user, Some(session))
            }
            Some(ticket) => AccountsState::from_ref(state).redeem_ticket(ticket).await?,
        };
        let until_revoked = match session {
            Some(session) => authenticator.until_revoked(session),
            None => Box::pin(std::future::pending()),
        };
        Ok(Self { user, until_revoked })
    }
}
