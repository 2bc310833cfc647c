//! Group commit of the transitions of running jobs: claims and outcomes of many jobs share transactions, and are
//! retried through an outage of the database.

use std::time::Duration;

use metrics::histogram;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use toneup_platform::batch::{Batcher, Limits};
use toneup_platform::crash;
use toneup_platform::database::bounded;
use toneup_platform::retry::Backoff;
use toneup_platform::shutdown::Shutdown;
use uuid::Uuid;

use crate::engine::Engine;
use crate::job::Changed;
use crate::kind::Kind;
use crate::outcome::JobError;
use crate::store::claim::{Claim, ClaimRequest, Claimed};
use crate::store::finish::Finish;
use crate::store::lease::{self, Message};

/// Error: the process ends before the transition could be written; the lease will expire.
#[derive(Debug)]
pub(super) struct Aborted;

/// Reason why a claim was not decided.
#[derive(Debug)]
pub(super) enum Undecided {
    /// The process ends.
    Aborted,
    /// The database has been away for as long as the message may be kept.
    TooLong,
}

/// Writer of the transitions of one kind's jobs.
#[derive(Debug, Clone)]
pub(super) struct Settlements {
    kind: &'static str,
    claims: Batcher<ClaimRequest, Claim, sqlx::Error>,
    finishes: Batcher<Finish, Option<Changed>, sqlx::Error>,
    engine: Engine,
    aborting: CancellationToken,
    /// Time after which a claim that waits for the database is given up.
    patience: Duration,
}

impl Settlements {
    /// Starts the group commits.
    pub(super) fn spawn(engine: Engine, kind: &Kind, shutdown: &Shutdown) -> Self {
        let (claiming, claimed) = (engine.clone(), kind.clone());
        let aborting = shutdown.aborting.clone();
        // In line for a batch, in one, and once more in one: together no longer than a message may be kept.
        let patience = engine.config.job_hold_limit / 3;
        let claim = move |batch: Vec<ClaimRequest>| {
            let (engine, kind, aborting) = (claiming.clone(), claimed.clone(), aborting.clone());
            async move {
                // The same batch with the same token: a claim whose answer was lost is granted, not taken for stale.
                let token = Uuid::new_v4();
                let claim = || bounded(engine.claim(&kind, &batch, token));
                persist("claim", &aborting, claim).await.map_err(|Aborted| sqlx::Error::PoolClosed)
            }
        };
        let finishing = engine.clone();
        let finish = move |batch: Vec<Finish>| {
            let engine = finishing.clone();
            async move {
                crash::point("finishing");
                let changes = engine.finish(&batch).await?;
                crash::point("finished");
                Ok(changes)
            }
        };
        Self {
            kind: kind.name,
            claims: Batcher::spawn(
                Limits { timeout: patience, ..Limits::default() },
                &shutdown.tasks,
                claim,
            ),
            finishes: Batcher::spawn(Limits::default(), &shutdown.tasks, finish),
            engine,
            aborting: shutdown.aborting.clone(),
            patience,
        }
    }

    /// Claims a job; repeats the statement while the database is unavailable, as long as the message may be kept.
    pub(super) async fn claim(&self, request: ClaimRequest) -> Result<Claim, Undecided> {
        let begun = Instant::now();
        let claiming = async || match self.claims.submit(request).await {
            Err(error) if begun.elapsed() >= self.patience => {
                tracing::warn!(%error, "the message goes back to the broker");
                Ok(None)
            }
            claim => claim.map(Some),
        };
        let claim = persist("claim", &self.aborting, claiming).await;
        let claim = claim.map_err(|Aborted| Undecided::Aborted)?.ok_or(Undecided::TooLong)?;
        histogram!("toneup_claim_seconds").record(begun.elapsed());
        if let Claim::Granted(claimed) = &claim
            && let Some(waited) = claimed.waited
        {
            histogram!("toneup_queue_wait_seconds", "kind" => self.kind).record(waited);
        }
        Ok(claim)
    }

    /// Ends a job. A guard that no longer holds is no error: the job has ended or been taken over.
    pub(super) async fn finish(&self, finish: Finish) -> Result<(), Aborted> {
        let begun = Instant::now();
        let ended =
            persist("finish", &self.aborting, || self.finishes.submit(finish.clone())).await?;
        histogram!("toneup_complete_seconds").record(begun.elapsed());
        if ended.is_none() {
            tracing::warn!("outcome discarded: the job has ended or been taken over");
        }
        Ok(())
    }

    /// Requeues a job for another attempt after `pause`.
    pub(super) async fn retry_later(
        &self,
        claimed: &Claimed,
        pause: Duration,
        failure: &JobError,
    ) -> Result<(), Aborted> {
        let queued = persist("retry", &self.aborting, || {
            bounded(self.engine.database.in_transaction(async |conn| {
                lease::retry_later(conn, claimed.lease, pause, failure).await
            }))
        });
        let queued = queued.await?;
        crash::point("retried");
        self.tell_requeued(claimed, queued);
        Ok(())
    }

    /// Requeues a job as if it had never been claimed, because the process ends; `false` if the lease was lost. The message
    /// is to be returned to the broker.
    pub(super) async fn hand_back(&self, claimed: &Claimed) -> Result<bool, Aborted> {
        let returning = self.requeue(claimed, Message::Returned);
        // The process is ending: a single try.
        let queued = returning.await.map_err(|_| Aborted)?;
        self.tell_requeued(claimed, queued);
        Ok(queued)
    }

    /// Requeues a job that has waited for as long as a message may be kept, under a new message.
    pub(super) async fn put_off(&self, claimed: &Claimed) -> Result<(), Aborted> {
        let putting_off = || self.requeue(claimed, Message::Anew);
        let queued = persist("put off", &self.aborting, putting_off).await?;
        self.tell_requeued(claimed, queued);
        Ok(())
    }

    async fn requeue(&self, claimed: &Claimed, message: Message) -> Result<bool, sqlx::Error> {
        let database = &self.engine.database;
        bounded(
            database
                .in_transaction(async |conn| lease::hand_back(conn, claimed.lease, message).await),
        )
        .await
    }

    fn tell_requeued(&self, claimed: &Claimed, queued: bool) {
        if queued {
            let version = claimed.changed.version + 1;
            self.tell(Changed { version, ..claimed.changed.clone() });
        }
    }

    /// Sends a hint to the job's watchers.
    pub(super) fn tell(&self, changed: Changed) {
        self.engine.hints.send([changed]);
    }
}

/// Repeats a write until the database takes it or the process must end. Every write is guarded, so that repeating one
/// whose answer was lost changes nothing.
async fn persist<T, E: std::fmt::Display, F>(
    what: &str,
    aborting: &CancellationToken,
    mut write: impl FnMut() -> F,
) -> Result<T, Aborted>
where
    F: Future<Output = Result<T, E>>,
{
    let mut failures = 0;
    loop {
        let written = aborting.run_until_cancelled(write()).await.ok_or(Aborted)?;
        let error = match written {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        failures += 1;
        let pause = Backoff::RECONNECT.pause(failures);
        tracing::warn!(what, %error, failures, ?pause, "cannot write");
        aborting.run_until_cancelled(sleep(pause)).await.ok_or(Aborted)?;
    }
}
