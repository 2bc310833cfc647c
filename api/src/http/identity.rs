//! The identity of the caller. Tokens are verified by whoever implements [`Authenticate`].

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use headers::HeaderMapExt;
use headers::authorization::{Authorization, Bearer};
use toneup_platform::identity::UserId;

use super::problem::ApiError;

/// Verifies bearer tokens.
pub trait Authenticate: fmt::Debug + Send + Sync {
    /// Returns the user that an access token names.
    fn verify_user(&self, token: &str) -> Result<UserId, ApiError>;

    /// Returns the name of the operator that a token names.
    fn verify_operator(&self, token: &str) -> Result<String, ApiError>;
}

/// The application's way of verifying tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator(Arc<dyn Authenticate>);

impl Authenticator {
    /// Shares an implementation.
    pub fn new(authenticate: impl Authenticate + 'static) -> Self {
        Self(Arc::new(authenticate))
    }

    /// Verifies the user who sends a request.
    pub fn user(&self, parts: &Parts) -> Result<UserId, ApiError> {
        self.0.verify_user(bearer(parts)?.token())
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
        Authenticator::from_ref(state).user(parts).map(Self)
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
