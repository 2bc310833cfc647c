//! The jobs of all users: search, details, cancellation, retry.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_colour::analysis::ANALYSIS;
use toneup_jobs::document::Document;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::outcome::JobError;
use toneup_jobs::store::dead_letters::{DeadLetter, Replay, list_of};
use toneup_jobs::store::read::{self, Job};
use toneup_jobs::store::search::{Found, Search, search};
use toneup_jobs::store::transitions::{self, RecordedTransition};
use toneup_operate::actions;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::log::page_size;
use super::operator::Operator;
use super::state::AdminState;
use crate::features::analyses::{AnalysisPath, already_finished};
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiError, Problem};

/// Query parameters of the search for jobs.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct JobsQuery {
    /// The kind of the jobs; `analysis` where it is not given.
    kind: Option<String>,
    /// One job, by its id.
    id: Option<Uuid>,
    /// Whose.
    user: Option<Uuid>,
    /// In which state.
    status: Option<Status>,
    /// Ended with which error code.
    code: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<Uuid>,
    /// Jobs on a page.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A job in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobLine {
    id: Uuid,
    user_id: Uuid,
    status: Status,
    attempt: u16,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    /// The error's code.
    code: Option<String>,
    /// What was found.
    season: Option<String>,
}

/// One page of jobs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobPage {
    /// Newest first.
    items: Vec<JobLine>,
    /// Pass as `cursor` for the next page; null on the last.
    next_cursor: Option<Uuid>,
}

/// A step of a job's life.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Step {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// `submitted`, `started`, a transition in between (`attempt_failed`, `handed_back`, `lease_expired`, `taken_over`,
    /// `message_lost`, `replayed`), `dead_letter`, or the state it ended in.
    kind: String,
    attempt: Option<u16>,
    code: Option<String>,
    message: Option<String>,
}

/// A job with its whole history.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobView {
    id: Uuid,
    user_id: Uuid,
    kind: String,
    #[schema(value_type = Object)]
    payload: Document,
    status: Status,
    version: u32,
    attempt: u16,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    started_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    deadline: Option<OffsetDateTime>,
    #[schema(value_type = Option<Object>)]
    result: Option<Document>,
    error: Option<JobError>,
    /// In the order of time.
    timeline: Vec<Step>,
}

/// Finds jobs, newest first.
#[utoipa::path(
    get,
    path = "/admin/jobs",
    tag = "admin",
    security(("bearer" = [])),
    params(JobsQuery),
    responses(
        (status = OK, body = JobPage),
        Problem,
    )
)]
pub(super) async fn search_jobs(
    State(state): State<AdminState>,
    _: Operator,
    ApiQuery(query): ApiQuery<JobsQuery>,
) -> Result<Json<JobPage>, ApiError> {
    let limit = page_size(query.limit)?;
    let wanted = Search {
        kind: query.kind.unwrap_or_else(|| ANALYSIS.to_owned()),
        id: query.id.map(JobId),
        user: query.user.map(UserId),
        status: query.status,
        code: query.code,
        before: query.cursor.map(JobId),
        limit,
    };
    let found =
        bounded(async { search(&mut *state.engine.database.acquire().await?, &wanted).await })
            .await?;
    let full = u32::try_from(found.len()).is_ok_and(|length| length == limit);
    let next_cursor = found.last().filter(|_| full).map(|last| last.id.0);
    Ok(Json(JobPage { items: found.into_iter().map(JobLine::from).collect(), next_cursor }))
}

/// One job with its whole history.
#[utoipa::path(
    get,
    path = "/admin/jobs/{id}",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = JobView),
        Problem,
    )
)]
pub(super) async fn get_job(
    State(state): State<AdminState>,
    _: Operator,
    AnalysisPath(id): AnalysisPath,
) -> Result<Json<JobView>, ApiError> {
    Ok(Json(view(&state, id).await?))
}

async fn view(state: &AdminState, id: JobId) -> Result<JobView, ApiError> {
    let read = bounded(async {
        let mut connection = state.engine.database.acquire().await?;
        let job = read::find(&mut connection, id).await?.ok_or(ApiError::NotFound)?;
        let history = transitions::read(&mut connection, id).await?;
        Ok::<_, ApiError>((job, history, list_of(&mut connection, id).await?))
    });
    let (job, history, letters) = read.await?;
    let timeline = timeline(&job, history, letters);
    Ok(JobView {
        id: job.id.0,
        user_id: job.user.0,
        kind: job.kind,
        payload: job.payload,
        status: job.status,
        version: job.version,
        attempt: job.attempt,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        deadline: job.deadline,
        result: job.result,
        error: job.error,
        timeline,
    })
}

/// Cancels a job that has not ended.
#[utoipa::path(
    post,
    path = "/admin/jobs/{id}/cancel",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = JobView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`already_finished`: it ended otherwise."),
        Problem,
    )
)]
pub(super) async fn cancel_job(
    State(state): State<AdminState>,
    operator: Operator,
    AnalysisPath(id): AnalysisPath,
) -> Result<Json<JobView>, ApiError> {
    if !actions::cancel_job(&state.engine, operator.actor(), id).await? {
        return Err(ApiError::NotFound);
    }
    let job = view(&state, id).await?;
    match job.status {
        Status::Cancelled => Ok(Json(job)),
        ended => Err(already_finished(ended)),
    }
}

/// Has a failed job tried again, with all its attempts; publishes one that is queued again.
#[utoipa::path(
    post,
    path = "/admin/jobs/{id}/retry",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = JobView),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json",
         description = "`already_finished`: it ended otherwise than by failing."),
        Problem,
    )
)]
pub(super) async fn retry_job(
    State(state): State<AdminState>,
    operator: Operator,
    AnalysisPath(id): AnalysisPath,
) -> Result<Json<JobView>, ApiError> {
    match actions::retry_job(&state.engine.database, operator.actor(), id).await? {
        Replay::Queued | Replay::Republished => Ok(Json(view(&state, id).await?)),
        Replay::Ended(status) => Err(already_finished(status)),
        Replay::Missing => Err(ApiError::NotFound),
    }
}

/// Builds the timeline of a job, sorted by time; steps of the same time are in the order of a job's life.
fn timeline(job: &Job, history: Vec<RecordedTransition>, letters: Vec<DeadLetter>) -> Vec<Step> {
    let bare = |at, kind: &str| Step {
        at,
        kind: kind.to_owned(),
        attempt: None,
        code: None,
        message: None,
    };
    let mut steps = vec![bare(job.created_at, "submitted")];
    steps.extend(job.started_at.map(|at| bare(at, "started")));
    steps.extend(history.into_iter().map(|entry| Step {
        at: entry.created_at,
        kind: entry.transition,
        attempt: Some(entry.attempt),
        code: entry.code,
        message: entry.message,
    }));
    let error = job.error.as_ref();
    steps.extend(job.finished_at.map(|at| Step {
        attempt: Some(job.attempt),
        code: error.map(|error| error.code.clone()),
        message: error.map(|error| error.message.clone()),
        ..bare(at, job.status.as_str())
    }));
    steps.extend(letters.into_iter().map(|letter| Step {
        code: Some(letter.reason),
        message: Some(letter.message),
        ..bare(letter.created_at, "dead_letter")
    }));
    steps.sort_by_key(|step| step.at);
    steps
}

impl From<Found> for JobLine {
    fn from(found: Found) -> Self {
        Self {
            id: found.id.0,
            user_id: found.user_id.0,
            status: found.status,
            attempt: found.attempt,
            created_at: found.created_at,
            started_at: found.started_at,
            finished_at: found.finished_at,
            code: found.code,
            season: found.result.as_ref().and_then(season),
        }
    }
}

/// The season, if the result is that of an analysis.
fn season(result: &Document) -> Option<String> {
    let result: serde_json::Value = result.read().ok()?;
    Some(result.get("personalColor")?.as_str()?.to_owned())
}
