//! The problems that the legacy endpoints raise.

use std::time::Duration;

use axum::http::StatusCode;
use toneup_jobs::outcome::JobError;

use crate::http::problem::{ApiError, ProblemKind};

/// The photo is at fault.
const ANALYSIS_FAILED: ProblemKind =
    ProblemKind::new(StatusCode::UNPROCESSABLE_ENTITY, "analysis_failed", "Analysis failed");
/// The same photo may succeed next time.
const ANALYSIS_FAILED_RETRYABLE: ProblemKind =
    ProblemKind::new(StatusCode::SERVICE_UNAVAILABLE, "analysis_failed", "Analysis failed");
const RESULT_PENDING: ProblemKind =
    ProblemKind::new(StatusCode::GATEWAY_TIMEOUT, "result_pending", "Result pending");

/// Every kind of problem that the legacy endpoints raise.
pub const PROBLEMS: &[ProblemKind] = &[ANALYSIS_FAILED, ANALYSIS_FAILED_RETRYABLE, RESULT_PENDING];

/// The extension member that carries an analysis's own error code to the envelope.
pub(super) const ANALYSIS_CODE: &str = "analysisCode";

/// `Retry-After` for a pending result.
const PENDING_RETRY: Duration = Duration::from_secs(2);

/// Reports an analysis that ended without a result.
pub(super) fn analysis_failed(error: JobError) -> ApiError {
    let kind = if error.retryable { ANALYSIS_FAILED_RETRYABLE } else { ANALYSIS_FAILED };
    kind.raise(error.message).with(ANALYSIS_CODE, error.code).into()
}

/// Reports an analysis that takes longer than the request may wait.
pub(super) fn result_pending() -> ApiError {
    let detail = "the analysis takes longer than this request may; it goes on, and sending the photo again finds it";
    RESULT_PENDING.raise(detail).retry_after(PENDING_RETRY).into()
}
