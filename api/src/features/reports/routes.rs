//! HTTP endpoint of reports.

use axum::Json;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use toneup_platform::identity::UserId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::file::{NewReport, Subject, file};
use super::state::ReportsState;
use super::words::Reason;
use crate::features::chat::{RoomId, Seq};
use crate::http::extract::{ApiJson, IdPath};
use crate::http::identity::{Authenticator, CurrentUser};
use crate::http::problem::{ApiError, Problem};

/// The routes of reports.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    ReportsState: FromRef<S>,
    Authenticator: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(create_report)).routes(routes!(report_message))
}

/// Kind of a thing that is reported by its id.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PublicKind {
    Post,
    Comment,
    User,
}

/// What is reported, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateReport {
    kind: PublicKind,
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
    let subject = match kind {
        PublicKind::Post => Subject::Post(id),
        PublicKind::Comment => Subject::Comment(id),
        PublicKind::User => Subject::User(UserId(id)),
    };
    let id = file(&state, user, NewReport { subject, reason, description }).await?;
    Ok((StatusCode::CREATED, Json(ReportView { id })))
}

/// Why a message is reported.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReportMessage {
    reason: Reason,
    /// At most 1000 characters.
    #[serde(default)]
    description: Option<String>,
}

/// Reports a message of somebody else's to the operators, with its text as it is now. Safe to repeat: the first counts.
#[utoipa::path(
    post,
    path = "/v1/rooms/{id}/messages/{seq}/report",
    tag = "reports",
    security(("bearer" = [])),
    params(("id" = Uuid, Path), ("seq" = u64, Path)),
    responses((status = NO_CONTENT), Problem)
)]
async fn report_message(
    State(state): State<ReportsState>,
    CurrentUser(user): CurrentUser,
    IdPath((room, seq)): IdPath<(RoomId, Seq)>,
    ApiJson(ReportMessage { reason, description }): ApiJson<ReportMessage>,
) -> Result<StatusCode, ApiError> {
    let subject = Subject::Message(room, seq);
    file(&state, user, NewReport { subject, reason, description }).await?;
    Ok(StatusCode::NO_CONTENT)
}
