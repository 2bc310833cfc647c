//! Renewal of the leases of running jobs. One statement checks all of them often enough that a cancelled job is dropped
//! within a second, and at once when a hint announces a change; hints may be lost, hence the polling. Several times in
//! the lifetime of a lease the check renews them too.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::Database;
use toneup_platform::shutdown::Shutdown;

use crate::hints;
use crate::job::{Changed, Lease};
use crate::store::lease::{find_valid, renew};

/// Renewals per lifetime of a lease: three may fail before it is lost.
const RENEWALS: u32 = 4;

/// Interval of the checks. A cancelled job is dropped within a second, which includes the check itself.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Timeout of a check: one that hangs must not delay the next, on another connection.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A lease that is kept.
#[derive(Debug)]
struct Kept {
    lost: CancellationToken,
    /// Version of the job when it was claimed; a later one is not this worker's doing.
    version: u32,
}

/// Keeps the held leases alive. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct LeaseKeeper(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<HashMap<Lease, Kept>>,
    /// Requests a check: a held lease may be lost, or none is held any more.
    wake: Notify,
}

impl LeaseKeeper {
    /// Starts the renewal, which ends with the process, after its jobs.
    pub(crate) fn spawn(
        pool: Database,
        redis: &RedisConfig,
        duration: Duration,
        shutdown: &Shutdown,
    ) -> Self {
        let keeper = Self(Arc::default());
        let ended = shutdown.aborting.child_token();
        let doubting = keeper.clone();
        let listening = hints::listen_for_cancelled(redis.clone(), ended.clone(), move |changed| {
            doubting.check_soon(&changed);
        });
        shutdown.tasks.spawn(listening);
        let keeping = keeper.clone().keep(pool, duration, shutdown.draining.clone(), ended);
        shutdown.tasks.spawn(keeping);
        keeper
    }

    /// Checks leases until the process drains and none is held, or until `ended`; that ends the listening too.
    async fn keep(
        self,
        pool: Database,
        duration: Duration,
        draining: CancellationToken,
        ended: CancellationToken,
    ) {
        let _ended = ended.clone().drop_guard();
        let mut renew_at = Instant::now();
        while !(draining.is_cancelled() && self.lock().is_empty()) {
            let renewal = (renew_at <= Instant::now()).then_some(duration);
            match timeout(CHECK_TIMEOUT, self.check(&pool, renewal)).await {
                Ok(Ok(())) if renewal.is_some() => renew_at = Instant::now() + duration / RENEWALS,
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "cannot check leases"),
                Err(_) => tracing::warn!("checking leases timed out"),
            }
            tokio::select! {
                () = sleep(CHECK_INTERVAL) => {}
                () = self.0.wake.notified() => {}
                () = draining.cancelled(), if !draining.is_cancelled() => {}
                () = ended.cancelled() => return,
            }
        }
    }

    /// Keeps a lease until the returned guard is dropped. `version` is the job's since it was claimed.
    pub(crate) fn hold(&self, lease: Lease, version: u32) -> HeldLease {
        let lost = CancellationToken::new();
        self.lock().insert(lease, Kept { lost: lost.clone(), version });
        HeldLease { lease, lost, keeper: self.clone() }
    }

    /// Requests a check at once if a held job was changed by someone else.
    fn check_soon(&self, changed: &Changed) {
        let is_ours = |(lease, kept): (&Lease, &Kept)| {
            lease.job == changed.job && kept.version < changed.version
        };
        if self.lock().iter().any(is_ours) {
            self.0.wake.notify_one();
        }
    }

    /// Drops the leases that are lost, and extends the others by `renewal` if a renewal is due.
    async fn check(&self, pool: &Database, renewal: Option<Duration>) -> Result<(), sqlx::Error> {
        let leases: Vec<Lease> = self.lock().keys().copied().collect();
        if leases.is_empty() {
            return Ok(());
        }
        let mut connection = pool.acquire().await?;
        let valid: HashSet<Lease> = match renewal {
            Some(duration) => renew(&mut connection, &leases, duration).await?,
            None => find_valid(&mut connection, &leases).await?,
        };
        let held = self.lock();
        for lease in leases.iter().filter(|lease| !valid.contains(lease)) {
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

/// Guard of a lease that is being kept.
#[derive(Debug)]
pub(crate) struct HeldLease {
    lease: Lease,
    lost: CancellationToken,
    keeper: LeaseKeeper,
}

impl HeldLease {
    /// Waits until the lease is lost.
    pub(crate) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        let mut held = self.keeper.lock();
        held.remove(&self.lease);
        // A process that drains waits for the keeper, which waits for this.
        if held.is_empty() {
            self.keeper.0.wake.notify_one();
        }
    }
}
