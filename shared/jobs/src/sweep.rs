//! The sweep: repeats lost publishes, delivers retries, requeues the jobs of vanished workers, expires overdue ones.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_platform::database::bounded;

use crate::engine::Engine;

/// Longest look.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);
/// Between looks for room in users' shares.
const ROOM_INTERVAL: Duration = Duration::from_secs(1);

/// The periodic look at due rows.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Commits what the sweep decides.
    pub engine: Engine,
    /// Whether this replica also releases held jobs wherever there is room in their owners' shares.
    pub releases_held: bool,
}

impl Sweep {
    /// Looks for due rows until `draining`; at once again after a look that found some.
    pub async fn run(self, draining: CancellationToken) {
        let mut looked_for_room = Instant::now();
        loop {
            if self.releases_held && looked_for_room.elapsed() > ROOM_INTERVAL {
                looked_for_room = Instant::now();
                self.release_held().await;
            }
            let found = match timeout(LOOK_TIMEOUT, self.engine.sweep()).await {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "sweep failed");
                    0
                }
                Err(_) => {
                    tracing::warn!("sweep took too long");
                    0
                }
            };
            // Replicas that look at different moments find more together than replicas in step.
            let jitter = rand::random_range(0.75..1.25);
            let pause = match found {
                // The publisher first, or its queue overflows.
                1.. if !self.engine.publisher.is_busy() => Duration::ZERO,
                _ => self.engine.config.job_sweep_interval,
            };
            if draining.run_until_cancelled(sleep(pause.mul_f64(jitter))).await.is_none() {
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
