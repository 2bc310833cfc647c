//! What operators' tools ask a process, on an address of its own: `/healthz`, `/readyz`, `/metrics`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::exporter;
use crate::shutdown::Shutdown;

/// Most jobs that one worker has at a time: what bounds the photos in its memory, and what replicas are counted by.
pub const JOBS_PER_WORKER: u16 = 64;

/// How often the recorder tidies up.
const UPKEEP: Duration = Duration::from_secs(5);

/// Where operators' tools ask.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct OperationsConfig {
    /// Where to listen; unset: nowhere.
    pub metrics_listen: Option<SocketAddr>,
}

/// Serves until `shutdown` drains, if `config` says where. `ready` says whether the process can do its work.
pub async fn serve(
    config: OperationsConfig,
    ready: watch::Receiver<bool>,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let Some(address) = config.metrics_listen else { return Ok(()) };
    let recorder = exporter::install()?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("METRICS_LISTEN: listening on {address}"))?;
    tracing::info!(%address, "serving metrics");
    let (draining, upkeep) = (shutdown.draining.clone(), recorder.clone());
    let app = routes(recorder, ready);
    shutdown.tasks.spawn(async move {
        let ended = draining.clone().cancelled_owned();
        let serving = axum::serve(listener, app).with_graceful_shutdown(ended);
        let tidying = async {
            loop {
                sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        };
        tokio::select! {
            served = serving => {
                if let Err(error) = served {
                    tracing::error!(%error, "the metrics server failed");
                }
            }
            () = tidying => {}
        }
    });
    Ok(())
}

fn routes(recorder: PrometheusHandle, ready: watch::Receiver<bool>) -> Router {
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Router::new()
        .route("/healthz", get(async || StatusCode::OK))
        .route(
            "/readyz",
            get(
                async move || {
                    if *ready.borrow() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
                },
            ),
        )
        .route("/metrics", get(async move || (text, recorder.render())))
}

/// How many workers there should be: as many as the waiting jobs keep busy, and no more than the analyzers can feed. At
/// least one.
pub fn desired_workers(jobs: u32, capacity: Option<u32>) -> u32 {
    let useful = capacity.map_or(jobs, |capacity| jobs.min(capacity));
    useful.div_ceil(JOBS_PER_WORKER.into()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_wanted_for_what_waits_and_what_the_analyzers_take() {
        assert_eq!(desired_workers(0, None), 1);
        assert_eq!(desired_workers(10_000, Some(5)), 1);
        assert_eq!(desired_workers(10_000, Some(200)), 4);
        assert_eq!(desired_workers(130, Some(200)), 3);
        assert_eq!(desired_workers(130, None), 3);
    }
}
