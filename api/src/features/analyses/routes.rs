//! HTTP endpoints of analyses.

use std::time::Duration;

use axum::Json;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use time::OffsetDateTime;
use toneup_colour::analysis::{Analysis, list_owned};
use toneup_colour::photo::PHOTO_LIMIT_BYTES;
use toneup_jobs::job::{JobId, Status};
use toneup_jobs::store::read::Filter;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::accept::{OnDuplicate, accept};
use super::path::AnalysisPath;
use super::photo_memory::{FORM_OVERHEAD_BYTES, USER_LIMIT_BYTES};
use super::problems::WaitProblem;
use super::state::AnalysesState;
use super::submission::{
    CreateAnalysis, CreateAnalysisForm, Submission, idempotency, preferred_wait,
};
use super::view::{AnalysisPage, AnalysisView};
use super::wait::{LONGEST, Waiting};
use super::{cancel, erase, sse};
use crate::features::accounts::AccountsState;
use crate::http::conditional::Known;
use crate::http::extract::{ApiQuery, Trace};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::language::Language;
use crate::http::page::PageQuery;
use crate::http::problem::{ApiError, Problem};

/// Lets the largest photo in, with its form around it.
pub(crate) fn photo_limit() -> DefaultBodyLimit {
    form_limit(PHOTO_LIMIT_BYTES)
}

/// Lets a form with photos of so many bytes in.
fn form_limit(photos_bytes: u64) -> DefaultBodyLimit {
    let bytes = usize::try_from(photos_bytes + FORM_OVERHEAD_BYTES);
    DefaultBodyLimit::max(bytes.unwrap_or(usize::MAX))
}

/// Value of `Vary`: responses contain text in the client's language.
const VARY: HeaderValue = HeaderValue::from_static("Accept-Language");

/// The routes of analyses.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AnalysesState: FromRef<S>,
    AccountsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(create_analysis, list_analyses))
        .layer(form_limit(USER_LIMIT_BYTES))
        .routes(routes!(get_analysis, erase::delete_analysis))
        .routes(routes!(cancel::cancel_analysis))
        .routes(routes!(sse::stream_analysis))
        .routes(routes!(sse::stream_events))
}

/// Accepts an analysis; a worker runs it. Poll the `Location`, or watch its events.
#[utoipa::path(
    post,
    path = "/v1/analyses",
    tag = "analyses",
    security(("bearer" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating this request safe: the same key and body give the same analysis."),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer 200 with the finished analysis if it is ready within N ≤ 60 seconds."),
    ),
    request_body(content(
        (CreateAnalysis = "application/json"),
        (CreateAnalysisForm = "multipart/form-data"),
    )),
    responses(
        (status = ACCEPTED, body = AnalysisView, description = "Durable; it will be analysed.",
         headers(("Location" = String), ("Retry-After" = u64))),
        (status = OK, body = AnalysisView, description = "Finished within the preferred wait.",
         headers(("Preference-Applied" = String))),
        (status = UNPROCESSABLE_ENTITY, body = WaitProblem, content_type = "application/problem+json",
         description = "`validation_failed`, `idempotency_key_reused`, or `deadline_unreachable` with `estimatedWaitSeconds`."),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json",
         description = "`too_many_analyses` of the caller's, or `queue_full`.", headers(("Retry-After" = u64))),
        Problem,
    )
)]
#[tracing::instrument(skip_all, fields(analysis.id))]
async fn create_analysis(
    State(state): State<AnalysesState>,
    CurrentUser(user): CurrentUser,
    Trace(trace): Trace,
    headers: HeaderMap,
    submission: Submission,
) -> Result<Response, ApiError> {
    let key = idempotency(&headers, &submission)?;
    let analysis = accept(&state, user, trace, submission, OnDuplicate::Reuse(key)).await?;
    answer(&state, user, analysis, &headers).await
}

/// 200 with a finished analysis where the client prefers to wait, and it is ready in time; 202 otherwise.
async fn answer(
    state: &AnalysesState,
    user: UserId,
    mut analysis: Analysis,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let (id, wait) = (analysis.id, preferred_wait(headers));
    if let Some(wait) = wait {
        analysis = Waiting::new(state, user, id)
            .until(wait, |analysis| analysis.status.is_terminal())
            .await?;
    }
    let status = match wait {
        Some(_) if analysis.status.is_terminal() => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    let view = AnalysisView::new(analysis, &state.queue, Language::of(headers));
    let retry_after = view.retry_after_seconds();
    let location = [(header::LOCATION, format!("/v1/analyses/{}", id.0))];
    let mut response = (status, location, Json(view)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::VARY, VARY);
    if status == StatusCode::ACCEPTED {
        headers.insert(header::RETRY_AFTER, retry_after.into());
    }
    if let Some(wait) = wait {
        let applied = format!("wait={}", wait.min(LONGEST).as_secs());
        headers.insert("preference-applied", header_value(&applied)?);
    }
    Ok(response)
}

fn header_value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|error| ApiError::Internal(error.into()))
}

/// Query parameters of a read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct GetAnalysis {
    /// Answer only when the analysis has ended (or, with `If-None-Match`, changed), at most after this many seconds, ≤ 60.
    #[serde(default)]
    #[param(maximum = 60)]
    wait: u64,
}

/// One analysis; with `wait`, as soon as it has ended.
#[utoipa::path(
    get,
    path = "/v1/analyses/{id}",
    tag = "analyses",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path), GetAnalysis),
    responses(
        (status = OK, body = AnalysisView, headers(("ETag" = String))),
        (status = NOT_MODIFIED, description = "Still what `If-None-Match` names."),
        Problem,
    )
)]
async fn get_analysis(
    State(state): State<AnalysesState>,
    CurrentUser(user): CurrentUser,
    AnalysisPath(id): AnalysisPath,
    ApiQuery(GetAnalysis { wait }): ApiQuery<GetAnalysis>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let longest = LONGEST.as_secs();
    if wait > longest {
        return Err(ApiError::invalid("wait", format!("expected 0 to {longest} seconds")));
    }
    let (known, language) = (Known::of(&headers), Language::of(&headers));
    let is_known = |analysis: &Analysis| known.includes(&etag(analysis, language));
    let analysis = Waiting::new(&state, user, id)
        .until(Duration::from_secs(wait), |analysis| {
            // Nothing follows an end, whatever the client has.
            analysis.status.is_terminal() || (known.is_named() && !is_known(analysis))
        })
        .await?;
    let tag = [(header::ETAG, header_value(&etag(&analysis, language))?), (header::VARY, VARY)];
    if is_known(&analysis) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, Json(AnalysisView::new(analysis, &state.queue, language))).into_response())
}

/// Weak: the place in the queue moves without a new version. The advice is in a language.
fn etag(analysis: &Analysis, language: Language) -> String {
    format!("W/\"{}-{}\"", analysis.version, language.tag())
}

/// Query parameters of the list of analyses.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListAnalyses {
    /// Those in this state: `queued`, `running`, `succeeded`, `failed`, `cancelled` or `expired`.
    #[param(value_type = Option<String>)]
    status: Option<Status>,
    /// Those submitted at this time (RFC 3339) or later.
    #[serde(default, with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
}

/// The caller's analyses, newest first.
#[utoipa::path(
    get,
    path = "/v1/analyses",
    tag = "analyses",
    security(("bearer" = [])),
    params(PageQuery, ListAnalyses),
    responses(
        (status = OK, body = AnalysisPage),
        Problem,
    )
)]
async fn list_analyses(
    State(state): State<AnalysesState>,
    CurrentUser(user): CurrentUser,
    ApiQuery(page): ApiQuery<PageQuery>,
    ApiQuery(ListAnalyses { status, since }): ApiQuery<ListAnalyses>,
    language: Language,
) -> Result<impl IntoResponse, ApiError> {
    let page = page.check()?;
    let before = page.before.map(JobId);
    let filter = Filter { status, since };
    let reading = async {
        let mut connection = state.pool.acquire().await?;
        list_owned(&mut connection, user, filter, before, page.reach()).await
    };
    let mut found = bounded(reading).await?;
    let next_cursor = page.cut(&mut found, |analysis| analysis.id.0);
    let view = |found| AnalysisView::new(found, &state.queue, language);
    let items = found.into_iter().map(view).collect();
    Ok(([(header::VARY, VARY)], Json(AnalysisPage { items, next_cursor })))
}
