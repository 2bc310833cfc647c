//! The routes of the operators' pages.

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::state::AdminState;
use super::{dead, jobs, log, overview, products, replicas, reports, series};
use crate::http::client_address::TrustedProxies;
use crate::http::identity::Authenticator;

/// Returns the routes for operators.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    AdminState: FromRef<S>,
    Authenticator: FromRef<S>,
    TrustedProxies: FromRef<S>,
{
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
        .routes(routes!(reports::list_reports))
        .routes(routes!(reports::close_report))
        .routes(routes!(log::list_actions))
        .routes(routes!(
            products::get_stored_product,
            products::put_product,
            products::delete_product
        ))
}
