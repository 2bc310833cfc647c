//! The replicas, and how they are steered.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_operate::actions::{self, DrainError};
use toneup_operate::intake::Intake;
use toneup_operate::replicas::{Replica, ReplicaId};
use utoipa::ToSchema;

use super::operator::Operator;
use super::state::AdminState;
use crate::http::extract::ApiJson;
use crate::http::problem::{ApiError, Problem};

/// Every replica that reported in the last seconds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Replicas {
    /// Apis first, then workers, the oldest first.
    items: Vec<Replica>,
}

/// Whether workers take jobs.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct IntakeView {
    /// They do not.
    paused: bool,
    /// Who said so last.
    changed_by: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    changed_at: Option<OffsetDateTime>,
}

impl From<Intake> for IntakeView {
    fn from(Intake { paused, changed }: Intake) -> Self {
        let (changed_by, changed_at) = changed.unzip();
        Self { paused, changed_by, changed_at }
    }
}

/// What the intake shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetIntake {
    /// Whether workers stop taking jobs.
    paused: bool,
}

/// Lists the replicas that run.
#[utoipa::path(
    get,
    path = "/admin/replicas",
    tag = "admin",
    security(("bearer" = [])),
    responses(
        (status = OK, body = Replicas),
        Problem,
    )
)]
pub(super) async fn list_replicas(
    State(state): State<AdminState>,
    _: Operator,
) -> Result<Json<Replicas>, ApiError> {
    let items = state.registry.list().await.map_err(away)?;
    Ok(Json(Replicas { items }))
}

/// Has one replica finish what it has and end, as SIGTERM would. Whatever started it may start another.
#[utoipa::path(
    post,
    path = "/admin/replicas/{id}/drain",
    tag = "admin",
    security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path)),
    responses(
        (status = ACCEPTED, description = "It hears of it within about two seconds."),
        Problem,
    )
)]
pub(super) async fn drain_replica(
    State(state): State<AdminState>,
    operator: Operator,
    path: Result<Path<ReplicaId>, axum::extract::rejection::PathRejection>,
) -> Result<StatusCode, ApiError> {
    let Ok(Path(id)) = path else { return Err(ApiError::NotFound) };
    let (database, registry) = (&state.engine.database, &state.registry);
    let asked = actions::drain_replica(database, registry, operator.actor(), id).await;
    let asked = asked.map_err(|error| match error {
        DrainError::Database(error) => ApiError::from(error),
        DrainError::Redis(error) => away(error),
    })?;
    if asked { Ok(StatusCode::ACCEPTED) } else { Err(ApiError::NotFound) }
}

/// Pauses or resumes the workers' intake. Paused workers finish what they have; everything else stays in the queue, also
/// over restarts, until somebody resumes it.
#[utoipa::path(
    put,
    path = "/admin/intake",
    tag = "admin",
    security(("bearer" = [])),
    request_body = SetIntake,
    responses(
        (status = OK, body = IntakeView),
        Problem,
    )
)]
pub(super) async fn set_intake(
    State(state): State<AdminState>,
    operator: Operator,
    ApiJson(SetIntake { paused }): ApiJson<SetIntake>,
) -> Result<Json<IntakeView>, ApiError> {
    let set = actions::set_intake(&state.engine.database, operator.actor(), paused);
    Ok(Json(set.await?.into()))
}

/// Redis is away, and with it what only Redis knows.
pub(super) fn away(error: redis::RedisError) -> ApiError {
    ApiError::Unavailable(anyhow::Error::from(error).context("asking redis for the replicas"))
}
