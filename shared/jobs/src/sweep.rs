//! Sweep: repeats lost publishes, publishes retries, requeues the jobs of vanished workers, expires overdue ones.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_platform::database::bounded;
use toneup_platform::leader::Leadership;
use toneup_platform::shutdown::Shutdown;

use crate::engine::Engine;

/// Timeout of one run.
const RUN_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval of the searches for free shares.
const ROOM_INTERVAL: Duration = Duration::from_secs(1);

/// Sweep intervals in the lease of the replica that sweeps.
const LEASE: u32 = 24;

/// Periodic task that processes due rows, and releases held jobs where their owners' shares have room. One replica does
/// it for all.
#[derive(Debug, Clone)]
pub struct Sweep {
    engine: Engine,
    leadership: Leadership,
}

impl Sweep {
    /// Sweeps whenever no other replica does, until `shutdown` drains.
    pub fn spawn(engine: Engine, shutdown: &Shutdown) {
        let (lease, publisher) =
            (engine.config.job_sweep_interval * LEASE, engine.publisher.clone());
        // Without the broker it can publish nothing; another may be connected.
        let fit = move || publisher.is_ready();
        let leadership = Leadership::spawn(engine.database.clone(), "sweep", lease, fit, shutdown);
        let draining = shutdown.draining.clone();
        shutdown.tasks.spawn(Self { engine, leadership }.run(draining));
    }

    /// Processes due rows until `draining`; at once again after a run that found some.
    async fn run(mut self, draining: CancellationToken) {
        let mut looked_for_room = Instant::now();
        while draining.run_until_cancelled(self.leadership.until_held()).await.is_some() {
            if looked_for_room.elapsed() > ROOM_INTERVAL {
                looked_for_room = Instant::now();
                self.release_held().await;
            }
            let found = match timeout(RUN_TIMEOUT, self.engine.sweep()).await {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "sweep failed");
                    0
                }
                Err(_) => {
                    tracing::warn!("sweep timed out");
                    0
                }
            };
            let pause = match found {
                // The publisher first, or its queue overflows.
                1.. if !self.engine.publisher.is_busy() => Duration::ZERO,
                _ => self.engine.config.job_sweep_interval,
            };
            if draining.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    async fn release_held(&self) {
        for kind in self.engine.kinds.iter() {
            if let Err(error) = bounded(self.engine.release_room(kind)).await {
                tracing::warn!(%error, kind = kind.name, "cannot release held jobs");
            }
        }
    }
}
