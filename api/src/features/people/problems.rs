//! The problems that people raise.

use axum::http::StatusCode;

use crate::http::problem::{ApiError, ProblemKind};

const NICKNAME_INVALID: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "nickname_invalid", "Nickname invalid");
const NICKNAME_TAKEN: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "nickname_taken", "Nickname taken");
const USER_BLOCKED: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "user_blocked", "User blocked");

/// Every kind of problem that people raise.
pub const PROBLEMS: &[ProblemKind] = &[NICKNAME_INVALID, NICKNAME_TAKEN, USER_BLOCKED];

/// Refuses a nickname that breaks the rule.
pub(super) fn nickname_invalid() -> ApiError {
    NICKNAME_INVALID.raise("a nickname is of 2 to 20 letters or digits of any script").into()
}

/// Refuses a nickname that another user has.
pub(super) fn nickname_taken() -> ApiError {
    NICKNAME_TAKEN.raise("another user has this nickname, or one that reads the same").into()
}

/// Refuses to follow somebody whom the caller blocks.
pub(crate) fn user_blocked() -> ApiError {
    USER_BLOCKED.raise("you block this user; unblock them first").into()
}
