//! A photo in, its season out, in one request.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toneup_colour::analysis::Analysis;
use toneup_colour::result::PersonalColor;
use toneup_jobs::outcome::JobError;
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;
use utoipa::ToSchema;

use super::envelope::{Answer, Failure};
use super::problems::{analysis_failed, result_pending};
use crate::features::accounts::AccountsState;
use crate::features::analyses::{
    AnalysesState, CreateAnalysisForm, OnDuplicate, PhotoSubmission, Waiting, accept,
};
use crate::http::extract::Trace;
use crate::http::identity::CurrentUser;
use crate::http::problem::ApiError;

/// The app gives up after a minute.
const LONGEST_WAIT: Duration = Duration::from_secs(55);

/// The season; the app decodes the second spelling.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeasonView {
    #[serde(rename = "personalColor")]
    personal_color: PersonalColor,
    #[serde(rename = "PersonalColor")]
    capitalized: PersonalColor,
}

/// The season of a photo, waited for. A photo that is sent again finds the analysis that is still running.
#[utoipa::path(
    post,
    path = "/api/personalcolor",
    tag = "app",
    security(("bearer" = [])),
    request_body(content = CreateAnalysisForm, content_type = "multipart/form-data"),
    responses(
        (status = OK, body = Answer<SeasonView>),
        (status = GATEWAY_TIMEOUT, body = Failure, description = "`RESULT_PENDING`: the analysis goes on; send the photo again."),
        (status = "default", body = Failure),
    )
)]
#[tracing::instrument(skip_all, fields(analysis.id))]
pub(super) async fn analyze_personal_color(
    State(state): State<AnalysesState>,
    CurrentUser(user): CurrentUser,
    Trace(trace): Trace,
    submission: PhotoSubmission,
) -> Result<Json<Answer<SeasonView>>, ApiError> {
    let season = season(&state, user, trace, submission, OnDuplicate::Reuse(None)).await?;
    Ok(Answer::new(200, SeasonView { personal_color: season, capitalized: season }))
}

/// The same without a token, for load tests: every photo is looked at, however often it was sent. Off unless configured.
#[utoipa::path(
    post,
    path = "/api/personalcolortest",
    tag = "app",
    request_body(content = CreateAnalysisForm, content_type = "multipart/form-data"),
    responses((status = OK, body = Answer<PersonalColor>), (status = "default", body = Failure))
)]
#[tracing::instrument(skip_all, fields(analysis.id))]
pub(super) async fn test_personal_color(
    State(accounts): State<AccountsState>,
    State(state): State<AnalysesState>,
    Trace(trace): Trace,
    submission: PhotoSubmission,
) -> Result<Json<Answer<PersonalColor>>, ApiError> {
    let user = accounts.load_tester().await?;
    let season = season(&state, user, trace, submission, OnDuplicate::Create).await?;
    Ok(Answer::new(0, season))
}

/// Submits and waits. A client that goes away leaves its analysis to its end.
async fn season(
    state: &AnalysesState,
    user: UserId,
    trace: TraceParent,
    PhotoSubmission(submission): PhotoSubmission,
    on_duplicate: OnDuplicate,
) -> Result<PersonalColor, ApiError> {
    let Analysis { id, .. } = accept(state, user, trace, submission, on_duplicate).await?;
    let ended = Waiting::new(state, user, id)
        .until(LONGEST_WAIT, |analysis| analysis.status.is_terminal())
        .await?;
    match ended {
        Analysis { result: Some(result), .. } => Ok(result.personal_color),
        Analysis { error: Some(error), .. } => Err(analysis_failed(error)),
        Analysis { status, .. } if !status.is_terminal() => Err(result_pending()),
        Analysis { status, .. } => Err(analysis_failed(JobError::retryable(
            &status.as_str().to_uppercase(),
            "The analysis ended without a result.",
        ))),
    }
}
