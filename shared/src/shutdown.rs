//! Ending a process in order: stop taking work, finish what runs, give up after a grace period.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long tasks may take to give back what they hold when the grace period is over.
const HANDING_BACK: Duration = Duration::from_secs(3);

/// What tasks need to know of the process's end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// Cancelled when nothing new may be taken. A task that cannot go on cancels it, so that a half-dead process exits.
    pub draining: CancellationToken,
    /// Cancelled when the grace period is over: stop now.
    pub aborting: CancellationToken,
    /// The tasks that are waited for.
    pub tasks: TaskTracker,
    asked: Arc<AtomicBool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        let aborting = CancellationToken::new();
        let (draining, tasks) = (aborting.child_token(), TaskTracker::new());
        Self { draining, aborting, tasks, asked: Arc::default() }
    }
}

impl Shutdown {
    /// Ends the process in order, as SIGTERM does.
    pub fn leave(&self) {
        self.asked.store(true, Ordering::Relaxed);
        self.draining.cancel();
    }

    /// Waits for SIGTERM or SIGINT, or for a failed task to cancel `draining`; then gives the tracked tasks `grace` to
    /// finish. `FAILURE` if a task failed or had to be abandoned.
    pub async fn run(self, grace: Duration) -> io::Result<ExitCode> {
        let (mut term, mut int) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = tokio::select! {
            _ = term.recv() => true,
            _ = int.recv() => true,
            () = self.draining.cancelled() => self.asked.load(Ordering::Relaxed),
        };
        tracing::info!(asked, tasks = self.tasks.len(), "draining");
        let drained = self.drain(grace).await;
        tracing::info!(drained, "stopped");
        Ok(if drained && asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Stops taking work and waits at most `grace` for the tracked tasks, then tells them to stop at once and give back
    /// what they hold; `false` if some had to be abandoned.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.draining.cancel();
        self.tasks.close();
        if timeout(grace, self.tasks.wait()).await.is_ok() {
            return true;
        }
        self.aborting.cancel();
        timeout(HANDING_BACK, self.tasks.wait()).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_asked_to_leave_ends_well_and_who_fails_does_not() {
        let grace = Duration::from_secs(1);
        let ended = async |end: fn(&Shutdown)| {
            let shutdown = Shutdown::default();
            end(&shutdown);
            format!("{:?}", shutdown.run(grace).await.unwrap())
        };
        let asked = ended(Shutdown::leave).await;
        assert_eq!(asked, format!("{:?}", ExitCode::SUCCESS));
        let failed = ended(|shutdown| shutdown.draining.cancel()).await;
        assert_eq!(failed, format!("{:?}", ExitCode::FAILURE));
    }
}
