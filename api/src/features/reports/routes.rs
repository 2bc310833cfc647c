//! HTTP endpoint of reports.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::file::{NewReport, file};
use super::state::ReportsState;
use super::words::{Reason, ReportKind};
use crate::http::extract::ApiJson;
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of reports.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    ReportsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(create_report))
}

/// What is reported, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateReport {
    kind: ReportKind,
    /// Of the post, the comment or the user.
    id: Uuid,
    reason: Reason,
    /// At most 1000 characters.
    #[serde(default)]
    description: Option<String>,
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
struct ReportView {
    id: Uuid,
}

/// Reports something to the operators; safe to repeat.
#[utoipa::path(
    post,
    path = "/v1/reports",
    tag = "reports",
    security(("bearer" = [])),
    responses((status = CREATED, body = ReportView), Problem)
)]
async fn create_report(
    State(state): State<ReportsState>,
    CurrentUser(user): CurrentUser,
    ApiJson(body): ApiJson<CreateReport>,
) -> Result<impl IntoResponse, ApiError> {
    let CreateReport { kind, id, reason, description } = body;
    let id = file(&state, user, NewReport { kind, id, reason, description }).await?;
    Ok((StatusCode::CREATED, Json(ReportView { id })))
}
