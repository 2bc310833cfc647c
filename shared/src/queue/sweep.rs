//! The sweep: repeats lost publishes, delivers retries, requeues the work of vanished workers, expires what is too late.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::publisher::Publisher;
use crate::analyses::due::{Scope, take_due};
use crate::analyses::finish::commit_finish;
use crate::analyses::held::{Share, release_room};
use crate::config::JobsConfig;
use crate::database::{Database, bounded, retry_deadlock};
use crate::hints::Hints;

/// One look may take this long.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Between looks for room in users' shares.
const ROOM_INTERVAL: Duration = Duration::from_secs(1);

/// What the sweep works with.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Where the rows are.
    pub pool: Database,
    /// Who publishes them.
    pub publisher: Publisher,
    /// Who tells the watchers.
    pub hints: Hints,
    /// The rules of a job's life.
    pub jobs: JobsConfig,
    /// Whether this replica also releases what is held wherever there is room in its owner's share.
    pub share: Option<Share>,
}

impl Sweep {
    /// Looks for due rows until `draining`; at once again after a look that found some.
    pub async fn run(self, draining: CancellationToken) {
        let mut looked_for_room = Instant::now();
        loop {
            if looked_for_room.elapsed() > ROOM_INTERVAL {
                looked_for_room = Instant::now();
                if let Err(error) = bounded(self.release_held()).await {
                    tracing::warn!(%error, "cannot release what is held");
                }
            }
            let found = match timeout(LOOK_TIMEOUT, self.once()).await {
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
                1.. if !self.publisher.is_busy() => Duration::ZERO,
                _ => self.jobs.job_sweep_interval,
            };
            if draining.run_until_cancelled(sleep(pause.mul_f64(jitter))).await.is_none() {
                return;
            }
        }
    }

    /// One look; how many rows were due.
    pub async fn once(&self) -> Result<usize, sqlx::Error> {
        let JobsConfig { job_publish_grace, job_max_attempts, .. } = self.jobs;
        let scope = if self.publisher.is_ready() { Scope::All } else { Scope::WithoutPublishing };
        let due = retry_deadlock(|| {
            self.pool.in_transaction(async |conn| {
                take_due(conn, scope, job_publish_grace, job_max_attempts).await
            })
        })
        .await?;
        let found = due.publications.len() + due.finishes.len();
        self.publisher.offer_all(due.publications);
        if !due.finishes.is_empty() {
            let ended = commit_finish(&self.pool, &due.finishes, job_publish_grace).await?;
            self.hints.send(ended.changes.into_iter().flatten());
            self.publisher.offer_all(ended.released);
        }
        Ok(found)
    }

    /// Lets move what has room in its owner's share.
    async fn release_held(&self) -> Result<(), sqlx::Error> {
        let Some(share) = &self.share else { return Ok(()) };
        let grace = self.jobs.job_publish_grace;
        let released = retry_deadlock(|| {
            self.pool.in_transaction(async |conn| release_room(conn, share.get(), grace).await)
        });
        self.publisher.offer_all(released.await?);
        Ok(())
    }
}
