//! The problems that signing in raises.

use std::time::Duration;

use axum::http::StatusCode;

use super::provider::Refusal;
use crate::http::problem::{ApiError, ProblemKind};

/// The provider's token was not accepted.
pub(crate) const CREDENTIAL_INVALID: ProblemKind =
    ProblemKind::new(StatusCode::UNAUTHORIZED, "credential_invalid", "Credential invalid");
const PROVIDER_UNKNOWN: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "provider_unknown", "Provider unknown");
const PROVIDER_UNAVAILABLE: ProblemKind = ProblemKind::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "provider_unavailable",
    "Provider unavailable",
);
const PROVIDER_NEEDS_BROWSER: ProblemKind = ProblemKind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "provider_needs_browser",
    "Provider needs a browser",
);
/// The identity belongs to another account.
pub(super) const IDENTITY_TAKEN: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "identity_taken", "Identity taken");
const LAST_IDENTITY: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "last_identity", "Last identity");

/// Every kind of problem that signing in raises.
pub const PROBLEMS: &[ProblemKind] = &[
    CREDENTIAL_INVALID,
    PROVIDER_UNKNOWN,
    PROVIDER_UNAVAILABLE,
    PROVIDER_NEEDS_BROWSER,
    IDENTITY_TAKEN,
    LAST_IDENTITY,
];

/// `Retry-After` while a provider is unavailable.
const RETRY: Duration = Duration::from_secs(5);

/// Refuses a provider that is not configured.
pub(super) fn provider_unknown() -> ApiError {
    PROVIDER_UNKNOWN.raise("this provider is not offered; see /v1/sign-in/providers").into()
}

/// Refuses to link an identity that belongs to another account.
pub(super) fn identity_taken() -> ApiError {
    IDENTITY_TAKEN.raise("this identity belongs to another account; sign in with it instead").into()
}

/// Refuses to unlink the only way into an account.
pub(super) fn last_identity() -> ApiError {
    LAST_IDENTITY.raise("this is the only way into the account; link another one first").into()
}

impl From<Refusal> for ApiError {
    /// The provider's own words go to the log alone.
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(detail) => {
                tracing::info!(detail, "credential of a provider refused");
                CREDENTIAL_INVALID.raise("the provider's token or code is not valid here").into()
            }
            Refusal::NeedsBrowser => PROVIDER_NEEDS_BROWSER
                .raise(
                    "tokens of this provider do not say for whom they were made; use /v1/sign-in",
                )
                .into(),
            Refusal::Unavailable(error) => {
                tracing::warn!("provider unavailable: {error:#}");
                PROVIDER_UNAVAILABLE
                    .raise("the provider does not answer; please repeat the request")
                    .retry_after(RETRY)
                    .into()
            }
        }
    }
}
