//! What operators see and do: the queue, the jobs, the dead letters, the replicas. Every deed is written down.

mod dead;
pub(crate) mod jobs;
mod log;
pub mod operator;
mod overview;
mod replicas;
pub mod series;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::AppState;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(overview::get_overview))
        .routes(routes!(series::get_series))
        .routes(routes!(jobs::search_jobs))
        .routes(routes!(jobs::get_job))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(dead::list_dead_letters))
        .routes(routes!(dead::replay_dead_letters))
        .routes(routes!(dead::drop_dead_letters))
        .routes(routes!(replicas::list_replicas))
        .routes(routes!(replicas::drain_replica))
        .routes(routes!(replicas::set_intake))
        .routes(routes!(log::list_actions))
}
