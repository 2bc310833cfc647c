//! The problems that the catalogue raises.

use axum::http::StatusCode;

use crate::http::problem::{ApiError, ProblemKind};

const TOO_DEEP: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "too_deep", "Too many pages");

/// Every kind of problem that the catalogue raises.
pub const PROBLEMS: &[ProblemKind] = &[TOO_DEEP];

/// Refuses a page behind all that a list shows.
pub(super) fn too_deep() -> ApiError {
    TOO_DEEP.raise("a search shows its first 1000 results; use a filter, or other words").into()
}
