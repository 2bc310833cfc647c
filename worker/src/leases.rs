//! Keeping the leases of running jobs: all of them renewed with one statement, several times in their duration, and at
//! once when a hint says that one of them has changed: its owner may have cancelled it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::lease::renew;
use toneup_shared::analyses::{Changed, Lease};
use toneup_shared::config::RedisConfig;
use toneup_shared::database::Database;
use toneup_shared::hints;
use toneup_shared::shutdown::Shutdown;

/// Renewals in the time a lease lasts: three may fail before it is lost.
const RENEWALS: u32 = 4;

/// Between renewals while no hints come: a cancelled job is noticed by looking.
const WITHOUT_HINTS: Duration = Duration::from_millis(900);

/// A lease in use.
#[derive(Debug)]
struct Kept {
    lost: CancellationToken,
    /// The analysis's version when it was claimed; a later one is not our doing.
    version: u32,
}

/// Renews what is held. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct LeaseKeeper(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<HashMap<Lease, Kept>>,
    /// A held lease may be lost: look now.
    doubted: Notify,
}

impl LeaseKeeper {
    /// Starts renewing; ends when the process does, after its jobs.
    pub(crate) fn spawn(
        pool: Database,
        redis: &RedisConfig,
        duration: Duration,
        shutdown: &Shutdown,
    ) -> Self {
        let keeper = Self(Arc::default());
        let (set_hinted, hinted) = watch::channel(false);
        let doubting = keeper.clone();
        let listening =
            hints::listen(redis.clone(), set_hinted, shutdown.draining.clone(), move |changed| {
                doubting.doubt(changed);
            });
        shutdown.tasks.spawn(listening);
        let (renewing, draining) = (keeper.clone(), shutdown.draining.clone());
        let aborting = shutdown.aborting.clone();
        shutdown.tasks.spawn(async move {
            let pause = duration / RENEWALS;
            while !(draining.is_cancelled() && renewing.lock().is_empty()) {
                match timeout(pause, renewing.renew(&pool, duration)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::warn!(%error, "cannot renew leases"),
                    Err(_) => tracing::warn!("renewing leases took too long"),
                }
                // Short while draining: the process waits for this task too, and hears no hints.
                let pause = match (draining.is_cancelled(), *hinted.borrow()) {
                    (true, _) => DRAINING_PAUSE,
                    (false, true) => pause,
                    (false, false) => pause.min(WITHOUT_HINTS),
                };
                tokio::select! {
                    () = sleep(pause) => {}
                    () = renewing.0.doubted.notified() => {}
                    () = draining.cancelled(), if !draining.is_cancelled() => {}
                    () = aborting.cancelled() => return,
                }
            }
        });
        keeper
    }

    /// Keeps a lease until the guard is dropped; `version` is the analysis's since it was claimed.
    pub(crate) fn hold(&self, lease: Lease, version: u32) -> HeldLease {
        let lost = CancellationToken::new();
        self.lock().insert(lease, Kept { lost: lost.clone(), version });
        HeldLease { lease, lost, keeper: self.clone() }
    }

    /// Looks at once if what changed is held, and not by ourselves.
    fn doubt(&self, changed: Changed) {
        let is_ours = |(lease, kept): (&Lease, &Kept)| {
            lease.analysis == changed.analysis && kept.version < changed.version
        };
        if self.lock().iter().any(is_ours) {
            self.0.doubted.notify_one();
        }
    }

    async fn renew(&self, pool: &Database, duration: Duration) -> Result<(), sqlx::Error> {
        let leases: Vec<Lease> = self.lock().keys().copied().collect();
        if leases.is_empty() {
            return Ok(());
        }
        let mut connection = pool.acquire().await?;
        let standing = renew(&mut connection, &leases, duration).await?;
        let held = self.lock();
        for lease in leases.iter().filter(|lease| !standing.contains(lease)) {
            if let Some(kept) = held.get(lease) {
                kept.lost.cancel();
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Lease, Kept>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often leases are looked at while the process drains.
const DRAINING_PAUSE: Duration = Duration::from_millis(500);

/// A lease that is being kept.
#[derive(Debug)]
pub(crate) struct HeldLease {
    lease: Lease,
    lost: CancellationToken,
    keeper: LeaseKeeper,
}

impl HeldLease {
    /// Waits until the lease turns out to be lost.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.keeper.lock().remove(&self.lease);
    }
}
