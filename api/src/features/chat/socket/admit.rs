//! Who opens a connection: a token or a ticket says so, and nothing else that a client sends.

use std::fmt;

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use serde::Deserialize;
use time::OffsetDateTime;
use toneup_platform::identity::UserId;

use super::doors::Doors;
use super::request::RoomName;
use crate::features::chat::hints::Person;
use crate::features::chat::hub::Identity;
use crate::features::chat::refusal::Refusal;
use crate::http::identity::SessionId;
use crate::http::problem::ApiError;

/// What a client may say when it connects.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Credentials {
    /// An access token.
    token: Option<String>,
    /// A stream ticket, once.
    ticket: Option<String>,
}

/// The part of a handshake's query that counts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Handshake {
    token: Option<String>,
    ticket: Option<String>,
    /// The room that the connection is for.
    room_id: Option<String>,
    /// Number of the last entry that the client knows of that room.
    pub(super) last_seq: Option<u64>,
}

impl Handshake {
    /// Reads a handshake; what is not known, `userId` above all, is left alone.
    pub(super) fn of(parts: &Parts) -> Self {
        let mut found = Self::default();
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            match &*name {
                "token" => found.token = Some(value),
                "ticket" => found.ticket = Some(value),
                "roomId" => found.room_id = Some(value),
                "lastSeq" => found.last_seq = value.parse().ok(),
                _ => {}
            }
        }
        found
    }

    /// The room that the connection is for; `None` without one.
    pub(super) fn room(&self) -> Option<Result<RoomName, Refusal>> {
        let text = self.room_id.as_deref().filter(|text| !text.is_empty())?;
        Some(RoomName::parse_text(text).ok_or(Refusal::NotFound))
    }
}

/// A refusal, whose text is its code: clients get no more with `connect_error`.
#[derive(Debug)]
pub(super) struct Denied(pub(super) ApiError);

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match &self.0 {
            ApiError::TokenExpired => "token_expired",
            error => error.kind().code,
        };
        f.write_str(code)
    }
}

impl std::error::Error for Denied {}

/// Verifies whoever connects: by the auth payload, or by what the handshake was found to say.
pub(super) async fn identify(
    doors: &Doors,
    parts: &Parts,
    auth: Credentials,
) -> Result<Identity, ApiError> {
    let verified = match auth {
        Credentials { token: Some(token), .. } => by_token(doors, &token)?,
        Credentials { ticket: Some(ticket), .. } => by_ticket(doors, ticket).await?,
        _ => match parts.extensions.get::<Identity>() {
            Some(identity) => return Ok(*identity),
            // A ticket that was used has left no trace: the reason is told as well as can be.
            None => return by_request(doors, parts).await,
        },
    };
    complete(doors, verified).await
}

/// Verifies whoever connects by the request alone: the `Authorization` header, or the query.
pub(super) async fn by_request(doors: &Doors, parts: &Parts) -> Result<Identity, ApiError> {
    let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned);
    let Handshake { token, ticket, .. } = Handshake::of(parts);
    let verified = match (header.or(token), ticket) {
        (Some(token), _) => by_token(doors, &token)?,
        (None, Some(ticket)) => by_ticket(doors, ticket).await?,
        (None, None) => {
            return Err(ApiError::Unauthenticated("connect with an access token or a ticket"));
        }
    };
    complete(doors, verified).await
}

async fn complete(doors: &Doors, verified: Verified) -> Result<Identity, ApiError> {
    let (user, session, expires_at) = verified;
    let number = doors.chat.number_of(user).await?;
    Ok(Identity { person: Person { id: user, number }, session, expires_at })
}

type Verified = (UserId, Option<SessionId>, OffsetDateTime);

/// Verifies an access token.
pub(super) fn by_token(doors: &Doors, token: &str) -> Result<Verified, ApiError> {
    let (caller, expires_at) = doors.authenticator.verify_timed(token)?;
    Ok((caller.user, Some(caller.session), expires_at))
}

async fn by_ticket(doors: &Doors, ticket: String) -> Result<Verified, ApiError> {
    let (user, session) = doors.accounts.redeem_ticket(ticket).await?;
    Ok((user, session, OffsetDateTime::now_utc() + doors.accounts.token_life()))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn handshake(query: &str) -> Handshake {
        let request = Request::get(format!("/socket.io/?{query}")).body(()).unwrap();
        Handshake::of(&request.into_parts().0)
    }

    #[test]
    fn the_query_names_a_room_and_a_token_and_nothing_else_counts() {
        let found = handshake("EIO=4&transport=polling&b64=1&userId=7&roomId=3&token=a%2Bb");
        assert_eq!(found.room(), Some(Ok(RoomName::Number(3))));
        assert_eq!(
            (found.token.as_deref(), found.ticket, found.last_seq),
            (Some("a+b"), None, None)
        );
        assert_eq!(handshake("roomId=").room(), None);
        assert_eq!(handshake("roomId=x").room(), Some(Err(Refusal::NotFound)));
        assert_eq!(handshake("lastSeq=-1").last_seq, None);
    }
}
