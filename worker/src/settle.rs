//! Writing what jobs come to: claims and outcomes of many jobs share commits, and outlast an outage of the database.

use std::time::Duration;

use metrics::histogram;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::Changed;
use toneup_shared::analyses::claim::{Claim, ClaimRequest, Claimed, commit_claim};
use toneup_shared::analyses::finish::{Ended, Finish, count, finish};
use toneup_shared::analyses::lease;
use toneup_shared::analyses::outcome::AnalysisError;
use toneup_shared::analyses::photos::{self, PhotoKey};
use toneup_shared::batch::{Batcher, Limits};
use toneup_shared::config::JobsConfig;
use toneup_shared::crash;
use toneup_shared::database::{Database, bounded, retry_deadlock};
use toneup_shared::hints::Hints;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::retry::Backoff;
use toneup_shared::shutdown::Shutdown;

/// The process ends before it could be written; the lease will expire.
#[derive(Debug)]
pub(crate) struct Aborted;

/// How a job ends, and the photo that its result answers.
#[derive(Debug, Clone)]
struct Ending {
    finish: Finish,
    photo: Option<PhotoKey>,
}

/// Writes to the database on behalf of jobs.
#[derive(Debug, Clone)]
pub(crate) struct Settlements {
    claims: Batcher<ClaimRequest, Claim, sqlx::Error>,
    finishes: Batcher<Ending, Option<Changed>, sqlx::Error>,
    pool: Database,
    hints: Hints,
    aborting: CancellationToken,
}

impl Settlements {
    /// Starts the group commits.
    pub(crate) fn spawn(
        pool: Database,
        hints: Hints,
        publisher: Publisher,
        jobs: JobsConfig,
        shutdown: &Shutdown,
    ) -> Self {
        let claiming = pool.clone();
        let claims = Batcher::spawn(
            Limits::default(),
            &shutdown.tasks,
            move |batch: Vec<ClaimRequest>| {
                let pool = claiming.clone();
                async move { commit_claim(&pool, &batch, jobs.job_lease, jobs.job_max_attempts).await }
            },
        );
        let finishing = pool.clone();
        let finishes =
            Batcher::spawn(Limits::default(), &shutdown.tasks, move |batch: Vec<Ending>| {
                let (pool, publisher) = (finishing.clone(), publisher.clone());
                async move {
                    crash::point("finishing");
                    let Ended { changes, released } =
                        commit_endings(&pool, &batch, jobs.job_publish_grace).await?;
                    crash::point("finished");
                    publisher.offer_all(released);
                    Ok(changes)
                }
            });
        Self { claims, finishes, pool, hints, aborting: shutdown.aborting.clone() }
    }

    /// Asks for the right to work on an analysis.
    pub(crate) async fn claim(&self, request: ClaimRequest) -> Result<Claim, Aborted> {
        let begun = Instant::now();
        let claim = self.persist("claim", || async { self.claims.submit(request).await }).await?;
        histogram!("toneup_claim_seconds").record(begun.elapsed());
        if let Claim::Granted(claimed) = &claim
            && let Some(waited) = claimed.waited
        {
            histogram!("toneup_queue_wait_seconds").record(waited);
        }
        Ok(claim)
    }

    /// Ends an analysis. That the guard no longer holds is fine: someone else has ended or taken it.
    pub(crate) async fn finish(&self, finish: Finish) -> Result<(), Aborted> {
        self.answer(finish, None).await
    }

    /// Ends an analysis, and remembers its result as the answer to `photo`.
    pub(crate) async fn answer(
        &self,
        finish: Finish,
        photo: Option<PhotoKey>,
    ) -> Result<(), Aborted> {
        let begun = Instant::now();
        let ending = Ending { finish, photo };
        let ended = self.persist("finish", || self.finishes.submit(ending.clone())).await?;
        histogram!("toneup_complete_seconds").record(begun.elapsed());
        if let Some(changed) = ended {
            self.announce(changed);
        } else {
            tracing::warn!("came too late; nothing stored");
        }
        Ok(())
    }

    /// Returns an analysis to the queue for another attempt after `pause`.
    pub(crate) async fn retry_later(
        &self,
        claimed: &Claimed,
        pause: Duration,
        failure: &AnalysisError,
    ) -> Result<(), Aborted> {
        let queued = self.persist("retry", || {
            bounded(self.pool.in_transaction(async |conn| {
                lease::retry_later(conn, claimed.lease, pause, failure).await
            }))
        });
        let queued = queued.await?;
        crash::point("retried");
        self.announce_requeued(claimed, queued);
        Ok(())
    }

    /// Returns an analysis to the queue as if it had never been taken.
    pub(crate) async fn hand_back(&self, claimed: &Claimed) -> Result<(), Aborted> {
        let returning =
            self.pool.in_transaction(async |conn| lease::hand_back(conn, claimed.lease).await);
        // Handing back happens when the process ends: one try.
        let queued = bounded(returning).await.map_err(|_| Aborted)?;
        self.announce_requeued(claimed, queued);
        Ok(())
    }

    fn announce_requeued(&self, claimed: &Claimed, queued: bool) {
        if queued {
            let version = claimed.changed.version + 1;
            self.announce(Changed { version, ..claimed.changed.clone() });
        }
    }

    /// Tells watchers to look again.
    pub(crate) fn announce(&self, changed: Changed) {
        self.hints.send([changed]);
    }

    /// Repeats a write until the database takes it or the process must end. Every write is guarded, so that repeating one
    /// whose answer was lost changes nothing.
    async fn persist<T, E: std::fmt::Display, F>(
        &self,
        what: &str,
        mut write: impl FnMut() -> F,
    ) -> Result<T, Aborted>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut failures = 0;
        loop {
            let written = self.aborting.run_until_cancelled(write()).await.ok_or(Aborted)?;
            let error = match written {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            failures += 1;
            let pause = Backoff::RECONNECT.pause(failures);
            tracing::warn!(what, %error, failures, ?pause, "cannot write");
            self.aborting.run_until_cancelled(sleep(pause)).await.ok_or(Aborted)?;
        }
    }
}

/// Ends a batch, and remembers the answers of those that ended, with one commit.
async fn commit_endings(
    pool: &Database,
    batch: &[Ending],
    grace: Duration,
) -> Result<Ended, sqlx::Error> {
    let finishes: Vec<Finish> = batch.iter().map(|ending| ending.finish.clone()).collect();
    let ended = retry_deadlock(|| {
        pool.in_transaction(async |conn| {
            let ended = finish(conn, &finishes, grace).await?;
            let answered = batch.iter().zip(&ended.changes).filter_map(|(ending, changed)| {
                changed.as_ref().and(ending.photo).map(|photo| (photo, ending.finish.analysis))
            });
            photos::remember(conn, answered).await?;
            Ok(ended)
        })
    })
    .await?;
    count(&finishes, &ended);
    Ok(ended)
}
