//! Waiting for an analysis: a task and a timer, no thread and no database connection.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use toneup_colour::analysis::Analysis;
use toneup_jobs::job::JobId;
use toneup_platform::identity::UserId;

use super::reader::Reader;
use super::state::AnalysesState;
use super::watch::Watchers;
use crate::http::problem::ApiError;

/// The longest wait a client can ask for.
pub(super) const LONGEST: Duration = Duration::from_mins(1);

/// Waits for one analysis of one user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waiting<'a> {
    reader: &'a Reader,
    watchers: &'a Watchers,
    draining: &'a CancellationToken,
    user: UserId,
    id: JobId,
}

impl<'a> Waiting<'a> {
    pub(crate) fn new(state: &'a AnalysesState, user: UserId, id: JobId) -> Self {
        let AnalysesState { reader, watchers, draining, .. } = state;
        Self { reader, watchers, draining, user, id }
    }

    /// Reads the analysis; another user's does not exist.
    pub(super) async fn read(&self) -> Result<Analysis, ApiError> {
        Ok(self.reader.read(self.user, self.id).await?.analysis)
    }

    /// Reads the analysis until `done` says so, at most for `patience`; then, or when the process begins to end, as it is.
    pub(crate) async fn until(
        &self,
        patience: Duration,
        done: impl Fn(&Analysis) -> bool,
    ) -> Result<Analysis, ApiError> {
        let deadline = Instant::now() + patience.min(LONGEST);
        let mut watch = self.watchers.subscribe(self.user);
        loop {
            let analysis = self.read().await?;
            if done(&analysis) || self.draining.is_cancelled() || Instant::now() >= deadline {
                return Ok(analysis);
            }
            let changed = self.draining.run_until_cancelled(watch.changed());
            // Whatever ended the wait, the loop reads once more: the answer is never older than the wait.
            drop(timeout_at(deadline, changed).await);
        }
    }
}
