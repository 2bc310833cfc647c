//! The log of what operators asked for.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_operate::audit_log::{Recorded, list};
use toneup_platform::database::bounded;
use utoipa::{IntoParams, ToSchema};

use super::operator::Operator;
use super::state::AdminState;
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiError, Problem};

/// Query parameters of the audit log.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct LogQuery {
    /// `nextCursor` of the page before.
    cursor: Option<u64>,
    /// Entries on a page.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Something an operator asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActionView {
    id: u64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    operator: String,
    /// `pause_intake`, `resume_intake`, `cancel_job`, `retry_job`, `replay_dead_letters`, `drop_dead_letters`,
    /// `drain_replica`, `close_report`, `write_product`, `delete_product`.
    action: String,
    target: String,
    detail: Option<String>,
    /// From where; null: from the command line.
    address: Option<String>,
}

/// One page of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ActionPage {
    /// Newest first.
    items: Vec<ActionView>,
    /// Pass as `cursor` for the next page; null on the last.
    next_cursor: Option<u64>,
}

/// What operators asked for, newest first.
#[utoipa::path(
    get,
    path = "/admin/actions",
    tag = "admin",
    security(("bearer" = [])),
    params(LogQuery),
    responses(
        (status = OK, body = ActionPage),
        Problem,
    )
)]
pub(super) async fn list_actions(
    State(state): State<AdminState>,
    _: Operator,
    ApiQuery(query): ApiQuery<LogQuery>,
) -> Result<Json<ActionPage>, ApiError> {
    let limit = page_size(query.limit)?;
    let read = bounded(async {
        list(&mut *state.engine.database.acquire().await?, query.cursor, limit).await
    });
    let recorded = read.await?;
    let full = u32::try_from(recorded.len()).is_ok_and(|length| length == limit);
    let next_cursor = recorded.last().filter(|_| full).map(|last| last.id);
    Ok(Json(ActionPage {
        items: recorded.into_iter().map(ActionView::from).collect(),
        next_cursor,
    }))
}

/// Returns the page size: `limit`, or 50 by default.
pub(super) fn page_size(limit: Option<u32>) -> Result<u32, ApiError> {
    match limit {
        None => Ok(50),
        Some(limit @ 1..=100) => Ok(limit),
        Some(_) => Err(ApiError::invalid("limit", "expected 1 to 100")),
    }
}

impl From<Recorded> for ActionView {
    fn from(recorded: Recorded) -> Self {
        let Recorded { id, operator, action, target, detail, address, created_at: at } = recorded;
        Self { id, at, operator, action, target, detail, address }
    }
}
