//! The worker process: configuration, telemetry, consumer, shutdown.

use std::process::ExitCode;
use std::time::Duration;

use toneup_shared::config::Settings;
use toneup_shared::shutdown::Shutdown;
use toneup_shared::{exporter, operations, telemetry, tls};
use toneup_worker::config::WorkerConfig;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tls::install();
    let settings = Settings::from_env()?;
    let telemetry = telemetry::init("toneup-worker", &settings)?;
    let config = WorkerConfig::load(&settings)?;
    let grace = config.worker.worker_shutdown_grace;
    let shutdown = Shutdown::default();
    let operations = config.operations;
    // Before anything is measured.
    if operations.metrics_listen.is_some() {
        exporter::install()?;
    }
    let ready = toneup_worker::start(config, &shutdown)?;
    operations::serve(operations, ready, &shutdown).await?;
    let ended = shutdown.run(Duration::ZERO, grace).await?;
    telemetry.end();
    Ok(ended)
}
