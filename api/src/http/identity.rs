//! The identity of the caller. Tokens are verified by whoever implements [`Authenticate`].

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;
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
        self.0.verify_user(bearer(parts)?)
    }

    /// Verifies the operator who sends a request; returns the operator's name.
    pub fn operator(&self, parts: &Parts) -> Result<String, ApiError> {
        self.0.verify_operator(bearer(parts)?)
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

/// Reads the token that a request carries.
fn bearer(parts: &Parts) -> Result<&str, ApiError> {
    let header = parts.headers.get(header::AUTHORIZATION);
    header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or(ApiError::Unauthenticated("send Authorization: Bearer <access token>"))
}
