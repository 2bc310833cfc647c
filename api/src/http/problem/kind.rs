//! Kinds of problems: the edge declares its own here, each feature declares its own in its folder.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;

/// A kind of problem. Its `code` is public API: clients branch on it, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// HTTP status of the response.
    pub status: StatusCode,
    /// Stable error code.
    pub code: &'static str,
    /// The kind in words.
    pub title: &'static str,
}

impl ProblemKind {
    /// Creates a kind of problem.
    pub const fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title }
    }

    /// Describes one occurrence of this kind.
    pub fn raise(self, detail: impl Into<String>) -> FeatureProblem {
        let detail = detail.into();
        FeatureProblem { kind: self, detail, retry_after: None, extensions: BTreeMap::new() }
    }
}

/// A problem of a kind that a feature declares.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{detail}")]
pub struct FeatureProblem {
    pub(super) kind: ProblemKind,
    pub(super) detail: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) extensions: BTreeMap<&'static str, Value>,
}

impl FeatureProblem {
    /// Tells the client when to repeat the request.
    #[must_use]
    pub fn retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Adds an extension member (RFC 9457 §3.2).
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.extensions.insert(name, value.into());
        self
    }
}

pub(super) const MALFORMED: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "malformed", "Malformed request");
pub(super) const VALIDATION_FAILED: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "Validation failed");
pub(super) const UNAUTHENTICATED: ProblemKind =
    ProblemKind::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not signed in");
pub(super) const FORBIDDEN: ProblemKind =
    ProblemKind::new(StatusCode::FORBIDDEN, "forbidden", "Operators only");
pub(super) const NOT_FOUND: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "not_found", "Not found");
pub(super) const METHOD_NOT_ALLOWED: ProblemKind =
    ProblemKind::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed");
pub(super) const NOT_ACCEPTABLE: ProblemKind =
    ProblemKind::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", "Not acceptable");
pub(super) const REQUEST_TIMEOUT: ProblemKind =
    ProblemKind::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "Request timeout");
pub(super) const TOO_LARGE: ProblemKind =
    ProblemKind::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Too large");
pub(super) const UNSUPPORTED_MEDIA_TYPE: ProblemKind = ProblemKind::new(
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "Unsupported media type",
);
pub(super) const RATE_LIMITED: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests");
pub(super) const UNAVAILABLE: ProblemKind =
    ProblemKind::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Temporarily unavailable");
pub(super) const INTERNAL: ProblemKind =
    ProblemKind::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error");

/// The kinds that any request can end with, whatever the feature.
pub const PROBLEMS: &[ProblemKind] = &[
    MALFORMED,
    VALIDATION_FAILED,
    UNAUTHENTICATED,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    REQUEST_TIMEOUT,
    TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    RATE_LIMITED,
    UNAVAILABLE,
    INTERNAL,
];
