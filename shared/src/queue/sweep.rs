//! The sweep: repeats lost publishes, delivers retries, requeues the work of vanished workers, expires what is too late.

use std::time::Duration;

use sqlx::MySqlPool;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::publisher::Publisher;
use crate::analyses::due::take_due;
use crate::analyses::finish::commit_finish;
use crate::config::JobsConfig;
use crate::database::retry_deadlock;
use crate::hints::Hints;

/// One look may take this long.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// What the sweep works with.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Where the rows are.
    pub pool: MySqlPool,
    /// Who publishes them.
    pub publisher: Publisher,
    /// Who tells the watchers.
    pub hints: Hints,
    /// The rules of a job's life.
    pub jobs: JobsConfig,
}

impl Sweep {
    /// Looks for due rows until `draining`; at once again after a look that found some.
    pub async fn run(self, draining: CancellationToken) {
        loop {
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
            let pause = if found > 0 { Duration::ZERO } else { self.jobs.job_sweep_interval };
            if draining.run_until_cancelled(sleep(pause.mul_f64(jitter))).await.is_none() {
                return;
            }
        }
    }

    /// One look; how many rows were due.
    pub async fn once(&self) -> Result<usize, sqlx::Error> {
        let JobsConfig { job_publish_grace, job_max_attempts, .. } = self.jobs;
        let due = retry_deadlock(|| async {
            let mut transaction = self.pool.begin().await?;
            let due = take_due(&mut transaction, job_publish_grace, job_max_attempts).await?;
            transaction.commit().await?;
            Ok(due)
        })
        .await?;
        due.publications.iter().for_each(|publication| self.publisher.offer(*publication));
        if !due.finishes.is_empty() {
            let ended = commit_finish(&self.pool, &due.finishes).await?;
            self.hints.send(ended.into_iter().flatten());
        }
        Ok(due.publications.len() + due.finishes.len())
    }
}
