//! Dead letters: what needs an operator.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_jobs::store::dead_letters::{self, DeadLetter, Replay};
use toneup_operate::actions::{ReplayedLetter, drop_letters, replay_letters};
use toneup_platform::database::bounded;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::log::page_size;
use super::operator::Operator;
use super::state::AdminState;
use crate::http::extract::{ApiJson, ApiQuery};
use crate::http::problem::{ApiError, Problem};

/// Most dead letters that one request names.
const MOST: usize = 100;

/// Query parameters of the list of dead letters.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct LettersQuery {
    /// Only those with this reason.
    reason: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// A dead letter.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LetterView {
    number: u64,
    /// `job`: the analysis failed. `broker`: its message was given up on.
    source: String,
    job: Option<Uuid>,
    reason: String,
    message: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// Dead letters.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Letters {
    /// Newest first.
    items: Vec<LetterView>,
}

/// Dead letters, by their numbers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Numbers {
    /// 1 to 100.
    numbers: Vec<u64>,
}

impl Numbers {
    fn check(self) -> Result<Vec<u64>, ApiError> {
        if (1..=MOST).contains(&self.numbers.len()) {
            return Ok(self.numbers);
        }
        Err(ApiError::invalid("numbers", format!("expected 1 to {MOST} numbers of dead letters")))
    }
}

/// The outcome of an operation on several dead letters.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct BulkOutcome {
    /// Jobs that are tried again.
    replayed: u32,
    /// Letters that were forgotten.
    dropped: u64,
    /// Letters that stay: unreadable, or of a job that has ended otherwise.
    left: u32,
}

/// Dead letters, newest first.
#[utoipa::path(
    get,
    path = "/admin/dead-letters",
    tag = "admin",
    security(("bearer" = [])),
    params(LettersQuery),
    responses(
        (status = OK, body = Letters),
        Problem,
    )
)]
pub(super) async fn list_dead_letters(
    State(state): State<AdminState>,
    _: Operator,
    ApiQuery(query): ApiQuery<LettersQuery>,
) -> Result<Json<Letters>, ApiError> {
    let (limit, reason) = (page_size(query.limit)?, query.reason);
    let read = bounded(async {
        dead_letters::list(&mut *state.engine.database.acquire().await?, reason.as_deref(), limit)
            .await
    });
    Ok(Json(Letters { items: read.await?.into_iter().map(LetterView::from).collect() }))
}

/// Has the jobs of dead letters tried again, with all their attempts.
#[utoipa::path(
    post,
    path = "/admin/dead-letters/replay",
    tag = "admin",
    security(("bearer" = [])),
    request_body = Numbers,
    responses(
        (status = OK, body = BulkOutcome),
        Problem,
    )
)]
pub(super) async fn replay_dead_letters(
    State(state): State<AdminState>,
    operator: Operator,
    ApiJson(numbers): ApiJson<Numbers>,
) -> Result<Json<BulkOutcome>, ApiError> {
    let numbers = numbers.check()?;
    let replayed = replay_letters(&state.engine.database, operator.actor(), &numbers).await?;
    let is_queued = |letter: &&ReplayedLetter| {
        matches!(letter.outcome, Some(Replay::Queued | Replay::Republished))
    };
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let queued = replayed.iter().filter(is_queued).count();
    let left = count(replayed.len() - queued);
    Ok(Json(BulkOutcome { replayed: count(queued), left, ..BulkOutcome::default() }))
}

/// Forgets dead letters; their jobs stay as they are.
#[utoipa::path(
    post,
    path = "/admin/dead-letters/drop",
    tag = "admin",
    security(("bearer" = [])),
    request_body = Numbers,
    responses(
        (status = OK, body = BulkOutcome),
        Problem,
    )
)]
pub(super) async fn drop_dead_letters(
    State(state): State<AdminState>,
    operator: Operator,
    ApiJson(numbers): ApiJson<Numbers>,
) -> Result<Json<BulkOutcome>, ApiError> {
    let numbers = numbers.check()?;
    let dropped = drop_letters(&state.engine.database, operator.actor(), &numbers).await?;
    Ok(Json(BulkOutcome { dropped, ..BulkOutcome::default() }))
}

impl From<DeadLetter> for LetterView {
    fn from(letter: DeadLetter) -> Self {
        Self {
            number: letter.id,
            source: letter.source,
            job: letter.job_id.map(|id| id.0),
            reason: letter.reason,
            message: letter.message,
            created_at: letter.created_at,
        }
    }
}
