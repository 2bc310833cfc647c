//! The worker process: configuration, telemetry, consumer, shutdown.

use std::process::ExitCode;
use std::time::Duration;

use toneup_platform::config::Settings;
use toneup_platform::shutdown::Shutdown;
use toneup_platform::{metrics, probes, telemetry, tls};
use toneup_worker::config::WorkerConfig;
use toneup_worker::metrics::tables;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    tls::install();
    let settings = Settings::from_env();
    let telemetry = telemetry::init("toneup-worker", &settings)?;
    let config = WorkerConfig::load(&settings)?;
    let grace = config.worker.worker_shutdown_grace;
    let shutdown = Shutdown::default();
    let probes = config.probes;
    // Metrics recorded before the installation would be lost.
    if probes.metrics_listen.is_some() {
        metrics::install(&tables())?;
    }
    let ready = toneup_worker::start(config, &shutdown)?;
    probes::serve(probes, &tables(), ready, &shutdown).await?;
    let ended = shutdown.run(Duration::ZERO, grace).await?;
    telemetry.end();
    Ok(ended)
}
