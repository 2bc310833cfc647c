//! Everything at a glance.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use toneup_colour::capacity::desired_workers;
use toneup_operate::intake::read_intake;
use toneup_operate::replicas::{AnalyzerView, Replica, analyzers};
use toneup_platform::database::bounded;
use utoipa::ToSchema;

use super::operator::Operator;
use super::replicas::IntakeView;
use super::series::Sample;
use super::state::AdminState;
use crate::http::problem::{ApiError, Problem};

/// Everything at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    /// The name in the operator's token.
    operator: String,
    /// The version of the api that answers.
    version: &'static str,
    intake: IntakeView,
    /// What was seen last, some seconds ago.
    now: Sample,
    /// Workers that are of use.
    desired_workers: u32,
    /// The analyzers as the workers see them.
    analyzers: Vec<AnalyzerView>,
    /// Who runs; null while Redis is away.
    replicas: Option<Vec<Replica>>,
    /// Whether results are pushed at once: Redis is there.
    hints: bool,
    /// Whether this api can publish: the broker is there and takes messages.
    broker: bool,
}

/// Everything at a glance.
#[utoipa::path(
    get,
    path = "/admin/overview",
    tag = "admin",
    security(("bearer" = [])),
    responses(
        (status = OK, body = Overview),
        Problem,
    )
)]
pub(super) async fn get_overview(
    State(state): State<AdminState>,
    operator: Operator,
) -> Result<Json<Overview>, ApiError> {
    let intake =
        bounded(async { read_intake(&mut *state.engine.database.acquire().await?).await }).await?;
    let replicas = state.registry.list().await.ok();
    let now = state.series.latest();
    let jobs = [now.queued, now.held, now.running].into_iter().flatten().sum();
    Ok(Json(Overview {
        operator: operator.name().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        intake: intake.into(),
        desired_workers: desired_workers(jobs, now.capacity),
        now,
        analyzers: replicas.as_deref().map(analyzers).unwrap_or_default(),
        replicas,
        hints: state.watchers.are_hinted(),
        broker: state.engine.publisher.is_ready(),
    }))
}
