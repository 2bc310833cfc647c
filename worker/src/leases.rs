//! Keeping the leases of running jobs: all of them renewed with one statement, several times in their duration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::MySqlPool;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::Lease;
use toneup_shared::analyses::lease::renew;
use toneup_shared::shutdown::Shutdown;

/// Renewals in the time a lease lasts: three may fail before it is lost.
const RENEWALS: u32 = 4;

type Held = HashMap<Lease, CancellationToken>;

/// Renews what is held. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct LeaseKeeper(Arc<Mutex<Held>>);

impl LeaseKeeper {
    /// Starts renewing; ends when the process does, after its jobs.
    pub(crate) fn spawn(pool: MySqlPool, duration: Duration, shutdown: &Shutdown) -> Self {
        let keeper = Self::default();
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
                // Short while draining: the process waits for this task too.
                let pause = if draining.is_cancelled() { DRAINING_PAUSE } else { pause };
                tokio::select! {
                    () = sleep(pause) => {}
                    () = draining.cancelled(), if !draining.is_cancelled() => {}
                    () = aborting.cancelled() => return,
                }
            }
        });
        keeper
    }

    /// Keeps a lease until the guard is dropped.
    pub(crate) fn hold(&self, lease: Lease) -> HeldLease {
        let lost = CancellationToken::new();
        self.lock().insert(lease, lost.clone());
        HeldLease { lease, lost, keeper: self.clone() }
    }

    async fn renew(&self, pool: &MySqlPool, duration: Duration) -> Result<(), sqlx::Error> {
        let leases: Vec<Lease> = self.lock().keys().copied().collect();
        if leases.is_empty() {
            return Ok(());
        }
        let mut connection = pool.acquire().await?;
        let standing = renew(&mut connection, &leases, duration).await?;
        let held = self.lock();
        for lease in leases.iter().filter(|lease| !standing.contains(lease)) {
            if let Some(lost) = held.get(lease) {
                lost.cancel();
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
