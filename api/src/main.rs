//! The api process: configuration, telemetry, state, server, shutdown.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use toneup_api::config::ApiConfig;
use toneup_api::http::app;
use toneup_api::http::state::AppState;
use toneup_shared::config::Settings;
use toneup_shared::shutdown::Shutdown;
use toneup_shared::telemetry;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    telemetry::init("info")?;
    let config = ApiConfig::load(&Settings::from_env()?)?;
    let (listen, grace) = (config.server.api_listen, config.server.api_shutdown_grace);
    let shutdown = Shutdown::default();
    let state = AppState::start(config, &shutdown)?;

    let listener =
        TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    tracing::info!(%listen, "serving");
    // Without TCP_NODELAY an event waits 40 ms for nothing.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let service = app(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service)
        .with_graceful_shutdown(shutdown.draining.clone().cancelled_owned());
    let failed = shutdown.draining.clone();
    shutdown.tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the server failed");
            failed.cancel();
        }
    });
    Ok(shutdown.run(grace).await?)
}
