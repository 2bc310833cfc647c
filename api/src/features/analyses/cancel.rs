//! Cancelling an analysis, queued or running: it ends in the database at once, and a hint tells its worker.

use axum::Json;
use axum::extract::State;
use toneup_colour::analysis::{ANALYSIS, Analysis};
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::outcome::Outcome;
use toneup_jobs::store::finish::{Finish, Guard};
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;

use super::path::AnalysisPath;
use super::problems::already_finished;
use super::state::AnalysesState;
use super::view::AnalysisView;
use super::wait::Waiting;
use crate::http::identity::CurrentUser;
use crate::http::language::Language;
use crate::http::problem::{ApiError, Problem};

/// Cancels an analysis that has not ended. A worker that runs it stops within about a second.
#[utoipa::path(
    post,
    path = "/v1/analyses/{id}/cancel",
    tag = "analyses",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = OK, body = AnalysisView, description = "Cancelled, now or before."),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json",
         description = "`rate_limited`.", headers(("Retry-After" = u64))),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`already_finished`: it ended otherwise."),
        Problem,
    )
)]
pub(super) async fn cancel_analysis(
    State(state): State<AnalysesState>,
    CurrentUser(user): CurrentUser,
    AnalysisPath(id): AnalysisPath,
    language: Language,
) -> Result<Json<AnalysisView>, ApiError> {
    let analysis = cancel(&state, user, id).await?;
    match analysis.status {
        Status::Cancelled => Ok(Json(AnalysisView::new(analysis, &state.queue, language))),
        ended => Err(already_finished(ended)),
    }
}

/// Ends an analysis, unless it has ended; how it is then.
pub(super) async fn cancel(
    state: &AnalysesState,
    user: UserId,
    id: JobId,
) -> Result<Analysis, ApiError> {
    let waiting = Waiting::new(state, user, id);
    let analysis = waiting.read().await?;
    if analysis.status.is_terminal() {
        return Ok(analysis);
    }
    state.limiter.check(&state.cancels, user.0).await?;
    let (guard, outcome, note) = (Guard::Active, Outcome::Cancelled, None);
    let finish = Finish { job: id, kind: ANALYSIS, user, guard, outcome, note };
    bounded(state.engine.finish(&[finish])).await?;
    waiting.read().await
}
