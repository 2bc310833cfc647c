//! The problems that accounts raise.

use axum::http::StatusCode;

use crate::http::problem::{ApiError, ProblemKind};

const REFRESH_TOKEN_INVALID: ProblemKind =
    ProblemKind::new(StatusCode::UNAUTHORIZED, "refresh_token_invalid", "Refresh token invalid");

/// Every kind of problem that accounts raise.
pub const PROBLEMS: &[ProblemKind] = &[REFRESH_TOKEN_INVALID];

/// Rejects a refresh token that cannot be exchanged.
pub(super) fn refresh_token_invalid() -> ApiError {
    let detail = "the refresh token is unknown, expired or was used before; start a new session";
    REFRESH_TOKEN_INVALID.raise(detail).into()
}
