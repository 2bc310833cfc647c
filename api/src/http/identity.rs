//! The identity of the caller. Tokens are verified by whoever implements [`Authenticate`].

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use headers::HeaderMapExt;
use headers::authorization::{Authorization, Bearer};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::problem::ApiError;

/// A session's identity: one device on which a user is signed in.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

/// Authenticated sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// Identifier of the user.
    pub user: UserId,
    /// The session that the request belongs to.
    pub session: SessionId,
}

/// Completes when a session has been ended.
pub type Ending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Verifier of bearer tokens.
pub trait Authenticate: fmt::Debug + Send + Sync {
    /// Returns the user and the session that an access token names. Asks no server.
    fn verify_user(&self, token: &str) -> Result<Caller, ApiError>;

    /// The same, and the time at which the token expires.
    fn verify_timed(&self, token: &str) -> Result<(Caller, OffsetDateTime), ApiError>;

    /// Waits until a session is ended before its time.
    fn until_revoked(&self, session: SessionId) -> Ending;

    /// Returns true if a session was ended before its time. Asks no server.
    fn is_revoked(&self, session: SessionId) -> bool;

    /// Returns the name of the operator that a token names.
    fn verify_operator(&self, token: &str) -> Result<String, ApiError>;
}

/// The application's way of verifying tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator(Arc<dyn Authenticate>);

impl Authenticator {
    /// Creates an authenticator from an implementation.
    pub fn new(authenticate: impl Authenticate + 'static) -> Self {
        Self(Arc::new(authenticate))
    }

    /// Verifies the user who sends a request.
    pub fn caller(&self, parts: &Parts) -> Result<Caller, ApiError> {
        self.0.verify_user(bearer(parts)?.token())
    }

    /// Verifies an access token that came by another way; returns the time at which it expires as well.
    pub fn verify_timed(&self, token: &str) -> Result<(Caller, OffsetDateTime), ApiError> {
        self.0.verify_timed(token)
    }

    /// Returns true if a session was ended before its time.
    pub fn is_revoked(&self, session: SessionId) -> bool {
        self.0.is_revoked(session)
    }

    /// Waits until a session is ended before its time.
    pub fn until_revoked(&self, session: SessionId) -> Ending {
        self.0.until_revoked(session)
    }

    /// Verifies the operator who sends a request; returns the operator's name.
    pub fn operator(&self, parts: &Parts) -> Result<String, ApiError> {
        self.0.verify_operator(bearer(parts)?.token())
    }
}

/// The user who sends the request. A handler that takes this cannot be reached anonymously.
#[derive(Debug, Clone, Copy)]
pub struct CurrentUser(pub UserId);

impl<S: Send + Sync> FromRequestParts<S> for CurrentUser
where
    Authenticator: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Caller { user, .. } = Authenticator::from_ref(state).caller(parts)?;
        Ok(Self(user))
    }
}

/// The user who sends the request, and the session that it belongs to.
#[derive(Debug, Clone, Copy)]
pub struct CurrentSession(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for CurrentSession
where
    Authenticator: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Authenticator::from_ref(state).caller(parts).map(Self)
    }
}

/// The caller of a route that is open to all: `None` without a bearer token; one that is not valid is refused.
#[derive(Debug, Clone, Copy)]
pub struct OptionalSession(pub Option<Caller>);

impl<S: Send + Sync> FromRequestParts<S> for OptionalSession
where
    Authenticator: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if bearer(parts).is_err() {
            return Ok(Self(None));
        }
        Authenticator::from_ref(state).caller(parts).map(Some).map(Self)
    }
}

/// Reads the token that a request carries (RFC 6750 §2.1).
fn bearer(parts: &Parts) -> Result<Authorization<Bearer>, ApiError> {
    if parts.headers.get_all(AUTHORIZATION).iter().nth(1).is_some() {
        return Err(ApiError::Unauthenticated("send Authorization once"));
    }
    let header = parts.headers.typed_get::<Authorization<Bearer>>();
    header.ok_or(ApiError::Unauthenticated("send Authorization: Bearer <access token>"))
}
