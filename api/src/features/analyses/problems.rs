//! The problems that analyses raise.

use std::time::Duration;

use axum::http::StatusCode;
use toneup_jobs::job::Status;
use utoipa::ToSchema;

use crate::http::problem::{ApiError, Problem, ProblemKind};

const ALREADY_FINISHED: ProblemKind =
    ProblemKind::new(StatusCode::CONFLICT, "already_finished", "Already finished");
const DEADLINE_UNREACHABLE: ProblemKind = ProblemKind::new(
    StatusCode::UNPROCESSABLE_ENTITY,
    "deadline_unreachable",
    "Deadline unreachable",
);
const TOO_MANY_ANALYSES: ProblemKind = ProblemKind::new(
    StatusCode::TOO_MANY_REQUESTS,
    "too_many_analyses",
    "Too many unfinished analyses",
);
const QUEUE_FULL: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", "Queue full");
const TOO_MANY_UPLOADS: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_uploads", "Too many uploads");
const TOO_MANY_STREAMS: ProblemKind =
    ProblemKind::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", "Too many event streams");
const HISTORY_GONE: ProblemKind =
    ProblemKind::new(StatusCode::GONE, "history_gone", "History gone");

/// `Retry-After` for too many streams: the heartbeat interval, within which a disconnected client is noticed.
const STREAM_RETRY: Duration = Duration::from_secs(15);

/// `Retry-After` for too many photos in transit: about the time of one upload.
const UPLOAD_RETRY: Duration = Duration::from_secs(2);

/// Every kind of problem that analyses raise.
pub const PROBLEMS: &[ProblemKind] = &[
    ALREADY_FINISHED,
    DEADLINE_UNREACHABLE,
    TOO_MANY_ANALYSES,
    QUEUE_FULL,
    TOO_MANY_UPLOADS,
    TOO_MANY_STREAMS,
    HISTORY_GONE,
];

/// A problem that may name the estimated wait.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "documents the extension member; the problem is written by the edge")]
pub(super) struct WaitProblem {
    #[schema(inline)]
    #[serde(flatten)]
    problem: Problem,
    /// Estimated seconds until the result, with `deadline_unreachable`.
    estimated_wait_seconds: Option<f64>,
}

/// Refuses to change an analysis that has ended.
pub(crate) fn already_finished(status: Status) -> ApiError {
    let detail = format!("the analysis has ended already: it {}", status.as_str());
    ALREADY_FINISHED.raise(detail).into()
}

/// Refuses an analysis whose result would come after its deadline.
pub(super) fn deadline_unreachable(estimated_wait: Duration) -> ApiError {
    let seconds = estimated_wait.as_secs_f64();
    let detail = format!("the answer would come too late: it takes about {:.0} s", seconds.ceil());
    DEADLINE_UNREACHABLE.raise(detail).with("estimatedWaitSeconds", seconds).into()
}

/// Refuses an analysis of a user who has as many unfinished ones as the limit allows.
pub(super) fn too_many_analyses(retry_after: Duration) -> ApiError {
    let detail = format!(
        "you have as many unfinished analyses as anybody may have; one ends in about {} s",
        retry_after.as_secs()
    );
    TOO_MANY_ANALYSES.raise(detail).retry_after(retry_after).into()
}

/// Refuses an analysis while the queue is at its limit.
pub(super) fn queue_full(retry_after: Duration) -> ApiError {
    let seconds = retry_after.as_secs();
    let detail = format!("too many analyses are waiting; try again in {seconds} s");
    QUEUE_FULL.raise(detail).retry_after(retry_after).into()
}

/// Refuses a photo in a form while as many of the user's are on their way as may be.
pub(super) fn too_many_uploads(most: usize) -> ApiError {
    let detail = format!("{most} photos of yours are on their way; send the next one after them");
    TOO_MANY_UPLOADS.raise(detail).retry_after(UPLOAD_RETRY).into()
}

/// Refuses an event stream beyond those that one user may hold open.
pub(super) fn too_many_streams(most: u32) -> ApiError {
    let detail = format!("you hold {most} event streams open, as many as anybody may; close one");
    TOO_MANY_STREAMS.raise(detail).retry_after(STREAM_RETRY).into()
}

/// Reports that events the client has not seen are no longer stored.
pub(super) fn history_gone() -> ApiError {
    let detail = "what happened after the last event you have seen is not kept; read GET /v1/analyses for it";
    HISTORY_GONE.raise(detail).into()
}
