//! Cancelling an analysis, queued or running: it ends in the database at once, and a hint tells its worker.

use axum::Json;
use axum::extract::State;
use toneup_shared::analyses::finish::{Finish, Guard, commit_finish};
use toneup_shared::analyses::outcome::Outcome;
use toneup_shared::analyses::{AnalysisId, Status, UserId};
use toneup_shared::config::JobsConfig;
use toneup_shared::database::{Database, bounded};
use toneup_shared::hints::Hints;
use toneup_shared::queue::publisher::Publisher;

use super::path::AnalysisPath;
use super::problems::already_finished;
use super::state::AnalysesState;
use super::view::AnalysisView;
use super::wait::Waiting;
use crate::http::identity::CurrentUser;
use crate::http::language::Language;
use crate::http::problem::{ApiError, Problem};

/// Cancels analyses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Canceller {
    pub(super) pool: Database,
    pub(super) hints: Hints,
    pub(super) publisher: Publisher,
    pub(super) jobs: JobsConfig,
}

impl Canceller {
    /// Ends a user's analysis, unless it has ended.
    pub(crate) async fn cancel(
        &self,
        user: UserId,
        analysis: AnalysisId,
    ) -> Result<(), sqlx::Error> {
        let finish = Finish { analysis, user, guard: Guard::Active, outcome: Outcome::Cancelled };
        let grace = self.jobs.job_publish_grace;
        let ended = bounded(commit_finish(&self.pool, &[finish], grace)).await?;
        self.hints.send(ended.changes.into_iter().flatten());
        self.publisher.offer_all(ended.released);
        Ok(())
    }
}

/// Withdraws an analysis that has not ended. A worker that runs it stops within about a second.
#[utoipa::path(
    post,
    path = "/v1/analyses/{id}/cancel",
    tag = "analyses",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = OK, body = AnalysisView, description = "Cancelled, now or before."),
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
    let waiting = Waiting::new(&state, user, id);
    let mut analysis = waiting.read().await?;
    if !analysis.status.is_terminal() {
        state.canceller.cancel(user, id).await?;
        analysis = waiting.read().await?;
    }
    match analysis.status {
        Status::Cancelled => Ok(Json(AnalysisView::new(analysis, &state.queue, language))),
        ended => Err(already_finished(ended)),
    }
}
