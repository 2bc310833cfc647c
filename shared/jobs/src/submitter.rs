//! Group commit of submits: concurrent callers share a transaction.

use std::time::Duration;

use metrics::histogram;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use toneup_platform::batch::{BatchError, Batcher, Limits};

use crate::engine::Engine;
use crate::kind::Kind;
use crate::store::submit::{NewJob, Submitted};

/// Timeout of one commit.
const LONGEST_COMMIT: Duration = Duration::from_millis(1500);
/// Timeout of a submit as the client sees it, including the time spent queued.
const LONGEST_SUBMIT: Duration = Duration::from_millis(1800);

/// Accepts jobs of one kind. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Submitter {
    batches: Batcher<NewJob, Submitted, sqlx::Error>,
}

impl Submitter {
    /// Starts the group commit.
    pub fn spawn(engine: Engine, kind: Kind, tasks: &TaskTracker) -> Self {
        let limits = Limits { timeout: LONGEST_COMMIT, ..Limits::default() };
        let batches = Batcher::spawn(limits, tasks, move |items: Vec<NewJob>| {
            let (engine, kind) = (engine.clone(), kind.clone());
            async move { engine.submit(&kind, &items).await }
        });
        Self { batches }
    }

    /// Makes `job` durable. After an error it may or may not be stored; the client repeats the request with its
    /// idempotency key.
    pub async fn submit(&self, job: NewJob) -> Result<Submitted, BatchError<sqlx::Error>> {
        let begun = Instant::now();
        match timeout(LONGEST_SUBMIT, self.batches.submit(job)).await {
            Ok(submitted) => {
                if submitted.is_ok() {
                    histogram!("toneup_submit_seconds").record(begun.elapsed());
                }
                submitted
            }
            Err(_) => Err(BatchError::TimedOut),
        }
    }
}
