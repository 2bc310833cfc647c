//! Graceful shutdown: stop accepting work, finish what runs, abort after a grace period.

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Time for tasks to give back what they hold once the grace period is over.
const HANDING_BACK: Duration = Duration::from_secs(3);

/// Signals of the process's shutdown, and its tasks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown {
    /// Cancelled when the process has been asked to end: it reports not ready, and still accepts work.
    pub leaving: CancellationToken,
    /// Cancelled when no new work may be accepted. A task that cannot go on cancels it, so that a half-dead process
    /// exits.
    pub draining: CancellationToken,
    /// Cancelled when the grace period is over: abort now.
    pub aborting: CancellationToken,
    /// Tasks that the shutdown waits for.
    pub tasks: TaskTracker,
}

impl Default for Shutdown {
    fn default() -> Self {
        let aborting = CancellationToken::new();
        let draining = aborting.child_token();
        Self { leaving: draining.child_token(), draining, aborting, tasks: TaskTracker::new() }
    }
}

impl Shutdown {
    /// Waits for SIGTERM or SIGINT, for [`Self::leave`], or for a failed task to cancel `draining`. After a request to
    /// end, the process goes on for `notice`, not ready, so that load balancers notice; a second signal ends that. Then
    /// the tracked tasks have `grace` to finish. `FAILURE` if a task failed or had to be abandoned.
    pub async fn run(self, notice: Duration, grace: Duration) -> io::Result<ExitCode> {
        let (mut term, mut int) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let asked = tokio::select! {
            _ = term.recv() => true,
            _ = int.recv() => true,
            // A failed task cancels both.
            () = self.leaving.cancelled() => !self.draining.is_cancelled(),
        };
        if asked && !notice.is_zero() {
            tracing::info!(?notice, "leaving");
            self.leaving.cancel();
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
                () = self.draining.cancelled() => {}
                () = sleep(notice) => {}
            }
        }
        tracing::info!(asked, tasks = self.tasks.len(), "draining");
        let drained = self.drain(grace).await;
        tracing::info!(drained, "stopped");
        Ok(if drained && asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// Starts a graceful shutdown, as SIGTERM does.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    /// Stops accepting work and waits at most `grace` for the tracked tasks, then tells them to abort and give back
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

    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn who_is_asked_to_leave_ends_well_and_who_fails_does_not() {
        let ended = async |end: fn(&Shutdown)| {
            let shutdown = Shutdown::default();
            end(&shutdown);
            format!("{:?}", shutdown.run(Duration::ZERO, HOUR).await.unwrap())
        };
        assert_eq!(ended(Shutdown::leave).await, format!("{:?}", ExitCode::SUCCESS));
        let failed = ended(|shutdown| shutdown.draining.cancel()).await;
        assert_eq!(failed, format!("{:?}", ExitCode::FAILURE));
    }

    #[tokio::test(start_paused = true)]
    async fn between_leaving_and_draining_lies_the_notice() {
        let shutdown = Shutdown::default();
        let draining = shutdown.draining.clone();
        shutdown.leave();
        let notice = Duration::from_secs(5);
        let began = tokio::time::Instant::now();
        let ended = tokio::join!(shutdown.run(notice, HOUR), async {
            draining.cancelled().await;
            began.elapsed()
        });
        assert_eq!(ended.1, notice);
    }
}
