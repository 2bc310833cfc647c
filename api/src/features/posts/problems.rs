//! The problems that posts raise.

use axum::http::StatusCode;

use crate::http::problem::{ApiError, ProblemKind};

const CURSOR_EXPIRED: ProblemKind =
    ProblemKind::new(StatusCode::GONE, "cursor_expired", "Cursor expired");

/// Every kind of problem that posts raise.
pub const PROBLEMS: &[ProblemKind] = &[CURSOR_EXPIRED];

/// Refuses to go on in a ranking that is not kept any more.
pub(super) fn cursor_expired() -> ApiError {
    CURSOR_EXPIRED.raise("this ranking is not kept any more; begin with its first page").into()
}
