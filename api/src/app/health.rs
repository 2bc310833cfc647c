//! Liveness and readiness checks.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Json, response::IntoResponse};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::{AppState, Readiness};
use crate::http::problem::{ApiError, Problem};

const DATABASE_TIMEOUT: Duration = Duration::from_secs(1);

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(check_health)).routes(routes!(check_readiness))
}

/// The result of the readiness check.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
struct ReadinessView {
    /// Always `ready`: anything else is a problem.
    status: &'static str,
    /// Whether results are pushed at once; otherwise they arrive within about two seconds.
    hints: bool,
}

/// Alive.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = OK)))]
async fn check_health() -> impl IntoResponse {
    StatusCode::OK
}

/// Can serve now: the process has warmed up and is not ending, and the database answers. The broker and Redis may be
/// away: submits are accepted all the same.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses((status = OK, body = ReadinessView), (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"))
)]
async fn check_readiness(State(state): State<Readiness>) -> Result<Json<ReadinessView>, ApiError> {
    if state.leaving.is_cancelled() {
        return Err(ApiError::Unavailable(anyhow::anyhow!("leaving")));
    }
    if !*state.warm.borrow() {
        return Err(ApiError::Unavailable(anyhow::anyhow!("warming up")));
    }
    let asked = async { sqlx::query("SELECT 1").execute(&mut *state.pool.acquire().await?).await };
    let answered = timeout(DATABASE_TIMEOUT, asked).await;
    answered.map_err(|elapsed| ApiError::Unavailable(elapsed.into()))??;
    Ok(Json(ReadinessView { status: "ready", hints: state.watchers.are_hinted() }))
}
