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

const FEED_NOT_FOUND: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "feed_not_found", "Not found");
const DIARY_NOT_FOUND: ProblemKind =
    ProblemKind::new(StatusCode::NOT_FOUND, "diary_not_found", "Not found");
const INVALID_TITLE_LENGTH: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "invalid_title_length", "Title invalid");
const INVALID_CONTENT_LENGTH: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "invalid_content_length", "Content invalid");
const INVALID_IMAGE_COUNT: ProblemKind =
    ProblemKind::new(StatusCode::BAD_REQUEST, "invalid_image_count", "Number of images invalid");

/// Every kind of problem that the legacy endpoints raise.
pub const PROBLEMS: &[ProblemKind] = &[
    ANALYSIS_FAILED,
    ANALYSIS_FAILED_RETRYABLE,
    RESULT_PENDING,
    FEED_NOT_FOUND,
    DIARY_NOT_FOUND,
    INVALID_TITLE_LENGTH,
    INVALID_CONTENT_LENGTH,
    INVALID_IMAGE_COUNT,
];

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

/// Reports that there is no such post.
pub(super) fn feed_not_found() -> ApiError {
    FEED_NOT_FOUND.raise("there is no such post for you").into()
}

/// Reports that there is no such entry in the caller's diary.
pub(super) fn diary_not_found() -> ApiError {
    DIARY_NOT_FOUND.raise("there is no such entry in your diary").into()
}

/// Gives a refusal of a post the code that the app knows it by, and the name that the app gives the field.
pub(super) fn in_words_of_the_app(error: ApiError) -> ApiError {
    let ApiError::Validation(mut refused) = error else { return error };
    let kind = match refused.field.as_str() {
        "title" => INVALID_TITLE_LENGTH,
        "text" => INVALID_CONTENT_LENGTH,
        "pictures" => INVALID_IMAGE_COUNT,
        field => {
            if let Some(place) =
                field.strip_prefix("pictures[").and_then(|rest| rest.split(']').next())
            {
                refused.field = format!("imageUrls[{place}]");
            }
            return ApiError::Validation(refused);
        }
    };
    kind.raise(refused.detail).into()
}
