//! Probes of a process, on an address of their own: `/healthz`, `/readyz`, `/metrics`.

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

use crate::config::Section;
use crate::metrics::{self, Metric};
use crate::shutdown::Shutdown;

/// Interval of the recorder's upkeep.
const UPKEEP: Duration = Duration::from_secs(5);

/// Metrics and probes.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ProbesConfig {
    /// Address that serves `/metrics`, `/healthz` and `/readyz`, not for the public; unset: not served.
    pub metrics_listen: Option<SocketAddr>,
}

impl Section for ProbesConfig {}

/// Serves until `shutdown` drains, if `config` names an address. `tables` describe the metrics of the process; `ready`
/// is true while it can do its work.
pub async fn serve(
    config: ProbesConfig,
    tables: &[&[Metric]],
    ready: watch::Receiver<bool>,
    shutdown: &Shutdown,
) -> anyhow::Result<()> {
    let Some(address) = config.metrics_listen else { return Ok(()) };
    let recorder = metrics::install(tables)?;
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
