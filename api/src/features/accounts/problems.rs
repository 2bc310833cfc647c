//! The problems that accounts raise.

use axum::http::StatusCode;

use crate::http::problem::{ApiError, ProblemKind};

/// A refresh token that cannot be exchanged.
pub(crate) const REFRESH_TOKEN_INVALID: ProblemKind =
    ProblemKind::new(StatusCode::UNAUTHORIZED, "refresh_token_invalid", "Refresh token invalid");

/// Every kind of problem that accounts raise.
pub const PROBLEMS: &[ProblemKind] = &[REFRESH_TOKEN_INVALID];

/// The extension member that says why, where that is known.
pub(crate) const REASON: &str = "reason";
/// The reason of a token whose time is over.
pub(crate) const EXPIRED: &str = "expired";

/// Rejects a refresh token that cannot be exchanged.
pub(super) fn refresh_token_invalid() -> ApiError {
    let detail = "the refresh token is unknown, was used before, or its session was ended; start a new session";
    REFRESH_TOKEN_INVALID.raise(detail).into()
}

/// Rejects a refresh token whose time is over.
pub(super) fn refresh_token_expired() -> ApiError {
    let detail = "the refresh token has expired; start a new session";
    REFRESH_TOKEN_INVALID.raise(detail).with(REASON, EXPIRED).into()
}
