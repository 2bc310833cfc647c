//! The api process: configuration, telemetry, state, server, shutdown.

use std::process::ExitCode;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use toneup_api::app::{ApiConfig, AppState, metrics, serve, serve_sockets};
use toneup_platform::config::Settings;
use toneup_platform::shutdown::Shutdown;
use toneup_platform::{probes, telemetry, tls};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tls::install();
    let settings = Settings::from_env();
    let telemetry = telemetry::init("toneup-api", &settings)?;
    let config = ApiConfig::load(&settings)?;
    let listen = config.server.api_listen;
    let socket_listen = config.features.chat.socket_listen;
    let (notice, grace) = (config.server.api_drain_delay, config.server.api_shutdown_grace);
    let shutdown = Shutdown::default();
    let (_, ready) = watch::channel(true);
    probes::serve(config.probes, &metrics(), ready, &shutdown).await?;
    let state = AppState::start(config, &shutdown)?;

    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    tracing::info!(%listen, "serving");
    if let Some(listen) = socket_listen {
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
        tracing::info!(%listen, "serving Socket.IO");
        shutdown.tasks.spawn(serve_sockets(listener, state.clone(), shutdown.draining.clone()));
    }
    let draining = shutdown.draining.clone();
    let failed = shutdown.draining.clone();
    shutdown.tasks.spawn(async move {
        if let Err(error) = serve(listener, state, draining).await {
            tracing::error!(%error, "the server failed");
            failed.cancel();
        }
    });
    let ended = shutdown.run(notice, grace).await?;
    telemetry.end();
    Ok(ended)
}
