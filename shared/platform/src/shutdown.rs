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
    /// Cancelled when those tasks have ended, or have been abandoned: what served them ends now.
    pub ending: CancellationToken,
    /// Tasks that serve the others to their end, such as the publisher of what the last job releases.
    pub servants: TaskTracker,
}

impl Default for Shutdown {
    fn default() -> Self {
        let aborting = CancellationToken::new();
        let (draining, ending) = (aborting.child_token(), aborting.child_token());
        Self {
            leaving: draining.child_token(),
            draining,
            aborting,
            tasks: TaskTracker::new(),
            ending,
            servants: TaskTracker::new(),
        }
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
    /// what they hold. The servants end after them. `false` if some had to be abandoned.
    pub async fn drain(&self, grace: Duration) -> bool {
        self.draining.cancel();
        self.tasks.close();
        let mut ended = timeout(grace, self.tasks.wait()).await.is_ok();
        if !ended {
            self.aborting.cancel();
            ended = timeout(HANDING_BACK, self.tasks.wait()).await.is_ok();
        }
        self.ending.cancel();
        self.servants.close();
        timeout(HANDING_BACK, self.servants.wait()).await.is_ok() && ended
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
    async fn what_serves_the_tasks_ends_after_the_last_of_them() {
        let shutdown = Shutdown::default();
        let (draining, ending) = (shutdown.draining.clone(), shutdown.ending.clone());
        let (publications, mut published) = tokio::sync::mpsc::channel(1);
        shutdown.tasks.spawn(async move {
            draining.cancelled().await;
            sleep(Duration::from_secs(1)).await;
            publications.send("released").await.unwrap();
        });
        let seen = shutdown.servants.spawn(async move {
            ending.cancelled().await;
            published.try_recv()
        });
        assert!(shutdown.drain(HOUR).await);
        assert_eq!(seen.await.unwrap(), Ok("released"));
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
