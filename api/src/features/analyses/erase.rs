//! Deleting an analysis, with its photo and its answer: what a person sent is theirs to take back.

use axum::extract::State;
use axum::http::StatusCode;
use toneup_colour::erasure::erase;
use toneup_platform::database::{bounded, retry_deadlock};

use super::cancel::cancel;
use super::path::AnalysisPath;
use super::state::AnalysesState;
use super::wait::Waiting;
use crate::http::identity::CurrentUser;
use crate::http::problem::{ApiError, Problem};

/// Deletes an analysis with its answer and its photo. One that has not ended is cancelled first. The photo is gone from the
/// store within about a minute.
#[utoipa::path(
    delete,
    path = "/v1/analyses/{id}",
    tag = "analyses",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = NO_CONTENT),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json",
         description = "`rate_limited`: it had not ended, and too many were cancelled.",
         headers(("Retry-After" = u64))),
        Problem,
    )
)]
pub(super) async fn delete_analysis(
    State(state): State<AnalysesState>,
    CurrentUser(user): CurrentUser,
    AnalysisPath(id): AnalysisPath,
) -> Result<StatusCode, ApiError> {
    cancel(&state, user, id).await?;
    let erasing =
        retry_deadlock(|| state.pool.in_transaction(async |conn| erase(conn, user, id).await));
    if bounded(erasing).await? {
        state.watchers.wake(user);
        return Ok(StatusCode::NO_CONTENT);
    }
    // Replayed by an operator, or deleted by another request, at this moment.
    let analysis = Waiting::new(&state, user, id).read().await?;
    Err(ApiError::Unavailable(anyhow::anyhow!("it is {} again", analysis.status.as_str())))
}
