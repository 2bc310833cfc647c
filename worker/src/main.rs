//! The worker process: configuration, telemetry, consumer, shutdown.

use std::process::ExitCode;

use toneup_shared::config::Settings;
use toneup_shared::shutdown::Shutdown;
use toneup_shared::{telemetry, tls};
use toneup_worker::config::WorkerConfig;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    telemetry::init("info")?;
    tls::install();
    let config = WorkerConfig::load(&Settings::from_env()?)?;
    let grace = config.worker.worker_shutdown_grace;
    let shutdown = Shutdown::default();
    toneup_worker::start(config, &shutdown)?;
    Ok(shutdown.run(grace).await?)
}
