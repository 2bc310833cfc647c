//! The queue of what users report.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_operate::audit_log::{Action, AuditEntry, record};
use toneup_platform::database::{bounded, retry_deadlock};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::log::page_size;
use super::operator::Operator;
use super::state::AdminState;
use crate::features::reports::{Closed, Outcome, Report, close, list};
use crate::http::extract::{ApiJson, ApiQuery, IdPath};
use crate::http::problem::{ApiError, Problem};

/// Query parameters of the queue.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct ReportsQuery {
    /// Closed ones instead of open ones.
    #[serde(default)]
    closed: bool,
    /// `nextCursor` of the page before.
    cursor: Option<u64>,
    /// Reports on a page.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReportView {
    id: Uuid,
    /// `post`, `comment`, `user` or `message`.
    kind: String,
    /// Of the thing.
    target_id: Uuid,
    /// What the post or comment says; null for people, and if it is deleted. What a message said when it was reported.
    text: Option<String>,
    /// `spam`, `abuse`, `nudity`, `violence`, `fraud`, `copyright` or `other`.
    reason: String,
    description: String,
    reporter: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// `open` or `closed`.
    state: String,
    /// `removed` or `dismissed`; null while it is open.
    outcome: Option<String>,
    handled_by: Option<String>,
}

/// A page of reports.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportPage {
    /// The oldest first.
    items: Vec<ReportView>,
    /// Pass as `cursor` for the next page; null on the last.
    next_cursor: Option<u64>,
}

/// A decision.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Decision {
    /// Delete the post, the comment or the contents of the message.
    Removed,
    /// Leave everything as it is.
    Dismissed,
}

/// The decision on a report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseReport {
    outcome: Decision,
}

/// How many reports were closed: all about the same thing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClosedView {
    closed: u64,
}

impl From<Report> for ReportView {
    fn from(report: Report) -> Self {
        Self {
            id: report.id,
            kind: report.kind,
            target_id: report.target,
            text: report.text,
            reason: report.reason,
            description: report.description,
            reporter: report.user.0,
            created_at: report.created_at,
            state: report.state,
            outcome: report.outcome,
            handled_by: report.handled_by,
        }
    }
}

/// Reports that wait for a decision, the oldest first.
#[utoipa::path(
    get,
    path = "/admin/reports",
    tag = "admin",
    security(("bearer" = [])),
    params(ReportsQuery),
    responses((status = OK, body = ReportPage), Problem)
)]
pub(super) async fn list_reports(
    State(state): State<AdminState>,
    _: Operator,
    ApiQuery(query): ApiQuery<ReportsQuery>,
) -> Result<Json<ReportPage>, ApiError> {
    let limit = page_size(query.limit)?;
    let (word, after) = (if query.closed { "closed" } else { "open" }, query.cursor.unwrap_or(0));
    let read = bounded(async {
        list(&mut *state.engine.database.acquire().await?, word, after, limit).await
    });
    let reports = read.await?;
    let full = u32::try_from(reports.len()).is_ok_and(|length| length == limit);
    let next_cursor = reports.last().filter(|_| full).map(|last| last.number);
    Ok(Json(ReportPage { items: reports.into_iter().map(ReportView::from).collect(), next_cursor }))
}

/// Closes a report, and all others about the same thing.
#[utoipa::path(
    post,
    path = "/admin/reports/{id}/close",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses((status = OK, body = ClosedView), Problem)
)]
pub(super) async fn close_report(
    State(state): State<AdminState>,
    operator: Operator,
    IdPath(id): IdPath<Uuid>,
    ApiJson(CloseReport { outcome }): ApiJson<CloseReport>,
) -> Result<Json<ClosedView>, ApiError> {
    let outcome = match outcome {
        Decision::Removed => Outcome::Removed,
        Decision::Dismissed => Outcome::Dismissed,
    };
    let target = id.to_string();
    let closing = retry_deadlock(|| {
        state.engine.database.in_transaction(async |conn| {
            let actor = operator.actor();
            let entry = AuditEntry {
                operator: actor.operator,
                action: Action::CloseReport,
                target: &target,
                detail: Some(outcome.as_str()),
                address: actor.address,
            };
            let closed = close(&mut *conn, id, outcome, operator.name()).await?;
            if matches!(closed, Closed::Done(_)) {
                record(conn, &entry).await?;
            }
            Ok(closed)
        })
    });
    match bounded(closing).await? {
        Closed::Done(closed) => Ok(Json(ClosedView { closed })),
        Closed::Missing => Err(ApiError::NotFound),
        Closed::NotRemovable => {
            Err(ApiError::invalid("outcome", "expected dismissed: people are not removed here"))
        }
    }
}
