//! The problems that notifications raise.

use std::time::Duration;

use axum::http::StatusCode;

use crate::http::problem::{ApiError, ProblemKind};

const WEBHOOK_EXISTS: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "webhook_exists", "Webhook exists");
const TOO_MANY_WEBHOOKS: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "too_many_webhooks", "Too many webhooks");
const TOO_MANY_SECRETS: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_secrets", "Too many secrets");
const WEBHOOK_DISABLED: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "webhook_disabled", "Webhook disabled");
const TOO_MANY_PUSH_SUBSCRIPTIONS: ProblemKind = ProblemKind::new(
    StatusCode::CONFLICT,
    "too_many_push_subscriptions",
    "Too many push subscriptions",
);
const PUSH_UNAVAILABLE: ProblemKind =
    ProblemKind::new(StatusCode::NOT_IMPLEMENTED, "push_unavailable", "Pushes unavailable");

/// Every kind of problem that notifications raise.
pub const PROBLEMS: &[ProblemKind] = &[
    WEBHOOK_EXISTS,
    TOO_MANY_WEBHOOKS,
    TOO_MANY_SECRETS,
    WEBHOOK_DISABLED,
    TOO_MANY_PUSH_SUBSCRIPTIONS,
    PUSH_UNAVAILABLE,
];

/// Refuses a second webhook with the same URL.
pub(super) fn webhook_exists() -> ApiError {
    WEBHOOK_EXISTS.raise("you have a webhook with this URL already").into()
}

/// Refuses a webhook beyond the limit for one user.
pub(super) fn too_many_webhooks(limit: u32) -> ApiError {
    let detail = format!("you have {limit} webhooks, as many as anybody may have");
    TOO_MANY_WEBHOOKS.raise(detail).into()
}

/// Refuses a secret more while as many sign as may at once.
pub(super) fn too_many_secrets(wait: Duration) -> ApiError {
    let detail = format!(
        "a secret signs for 24 h after it was replaced, and no more sign at once; one ends in {} s",
        wait.as_secs()
    );
    TOO_MANY_SECRETS.raise(detail).retry_after(wait).into()
}

/// Refuses to send to a disabled webhook.
pub(super) fn webhook_disabled() -> ApiError {
    WEBHOOK_DISABLED.raise("the webhook is disabled; enable it first").into()
}

/// Refuses a push subscription beyond the limit for one user.
pub(super) fn too_many_push_subscriptions(limit: u32) -> ApiError {
    let detail =
        format!("you have {limit} push subscriptions of this kind, as many as anybody may have");
    TOO_MANY_PUSH_SUBSCRIPTIONS.raise(detail).into()
}

/// Refuses a kind of push subscription that this installation has no keys for.
pub(super) fn push_unavailable(receivers: &str) -> ApiError {
    PUSH_UNAVAILABLE.raise(format!("pushes to {receivers} are not set up here")).into()
}
