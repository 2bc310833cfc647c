//! Keeping the leases of running jobs: all of them are looked at with one statement, often enough that a job which was
//! cancelled is dropped within a second, and at once when a hint tells of it. A hint may be lost anywhere on its way, so
//! nothing is left to it. Several times in the time a lease lasts the look renews them too.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::Database;
use toneup_platform::shutdown::Shutdown;

use crate::hints;
use crate::job::{Changed, Lease};
use crate::store::lease::{renew, standing};

/// Renewals in the time a lease lasts: three may fail before it is lost.
const RENEWALS: u32 = 4;

/// Between looks. A cancelled job is dropped within a second, of which the look itself needs a part.
const LOOK: Duration = Duration::from_millis(500);
/// Longest look: one that hangs must not keep the next, on another connection, from seeing.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// A lease in use.
#[derive(Debug)]
struct Kept {
    lost: CancellationToken,
    /// The job's version when it was claimed; a later one is not our doing.
    version: u32,
}

/// Renews what is held. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct LeaseKeeper(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<HashMap<Lease, Kept>>,
    /// Look now: a held lease may be lost, or none is held any more.
    look: Notify,
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
        let ended = shutdown.aborting.child_token();
        let doubting = keeper.clone();
        // Whether hints come makes no difference here.
        let connected = watch::Sender::default();
        let listening = hints::listen(redis.clone(), connected, ended.clone(), move |changed| {
            doubting.doubt(&changed);
        });
        shutdown.tasks.spawn(listening);
        let keeping = keeper.clone().keep(pool, duration, shutdown.draining.clone(), ended);
        shutdown.tasks.spawn(keeping);
        keeper
    }

    /// Looks until the process drains and nothing is held, or `ended`; that ends the listening too.
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
            match timeout(LOOK_TIMEOUT, self.look(&pool, renewal)).await {
                Ok(Ok(())) if renewal.is_some() => renew_at = Instant::now() + duration / RENEWALS,
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "cannot look at leases"),
                Err(_) => tracing::warn!("looking at leases took too long"),
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                () = self.0.look.notified() => {}
                () = draining.cancelled(), if !draining.is_cancelled() => {}
                () = ended.cancelled() => return,
            }
        }
    }

    /// Keeps a lease until the guard is dropped; `version` is the job's since it was claimed.
    pub(crate) fn hold(&self, lease: Lease, version: u32) -> HeldLease {
        let lost = CancellationToken::new();
        self.lock().insert(lease, Kept { lost: lost.clone(), version });
        HeldLease { lease, lost, keeper: self.clone() }
    }

    /// Looks at once if what changed is held, and not by ourselves.
    fn doubt(&self, changed: &Changed) {
        let is_ours = |(lease, kept): (&Lease, &Kept)| {
            lease.job == changed.job && kept.version < changed.version
        };
        if self.lock().iter().any(is_ours) {
            self.0.look.notify_one();
        }
    }

    /// Lets go of what is lost, and extends the rest by `renewal` where it is time.
    async fn look(&self, pool: &Database, renewal: Option<Duration>) -> Result<(), sqlx::Error> {
        let leases: Vec<Lease> = self.lock().keys().copied().collect();
        if leases.is_empty() {
            return Ok(());
        }
        let mut connection = pool.acquire().await?;
        let standing: HashSet<Lease> = match renewal {
            Some(duration) => renew(&mut connection, &leases, duration).await?,
            None => standing(&mut connection, &leases).await?,
        };
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
        let mut held = self.keeper.lock();
        held.remove(&self.lease);
        // A process that drains waits for the keeper, which waits for this.
        if held.is_empty() {
            self.keeper.0.look.notify_one();
        }
    }
}
