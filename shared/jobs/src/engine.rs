//! The engine: commits transitions of jobs, then publishes their messages and hints.

use std::time::Duration;

use metrics::counter;
use toneup_platform::database::{Database, bounded, retry_deadlock};
use uuid::Uuid;

use crate::broker::message::Publication;
use crate::broker::publisher::Publisher;
use crate::config::JobsConfig;
use crate::hints::Hints;
use crate::job::{Changed, JobId};
use crate::kind::{Kind, Kinds};
use crate::store::claim::{Claim, ClaimRequest, commit_claim};
use crate::store::dead_letters::{Replay, replay};
use crate::store::due::{Due, Scope, take_due};
use crate::store::fairness::release_room;
use crate::store::finish::{Ended, Finish, Guard, finish};
use crate::store::submit::{Accepted, Allowance, NewJob, Submitted, insert};

/// Commits transitions of jobs of all kinds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    /// Connection pool, shared with the program.
    pub database: Database,
    /// Kinds of jobs that this program knows.
    pub kinds: Kinds,
    /// Publisher of the jobs' messages.
    pub publisher: Publisher,
    /// Sender of hints to watchers.
    pub hints: Hints,
    /// Leases and intervals of the engine.
    pub config: JobsConfig,
}

/// Side effects of a transaction, performed once it is committed.
#[derive(Debug, Default)]
struct Effects {
    /// Hints to send to watchers.
    changes: Vec<Changed>,
    /// Messages for the broker.
    publications: Vec<Publication>,
}

impl Engine {
    /// Awaits a transaction; once it is committed, sends its hints and publishes its messages. Every transition with
    /// side effects goes through here.
    async fn after<T>(
        &self,
        commit: impl Future<Output = Result<(T, Effects), sqlx::Error>> + Send,
    ) -> Result<T, sqlx::Error> {
        let (done, Effects { changes, publications }) = commit.await?;
        self.hints.send(changes);
        self.publisher.offer_all(publications);
        Ok(done)
    }

    /// Accepts a batch of jobs of one kind.
    pub async fn submit(
        &self,
        kind: &Kind,
        items: &[NewJob],
    ) -> Result<Vec<Submitted>, sqlx::Error> {
        let allowance = Allowance { share: kind.share.get(), ceiling: kind.user_ceiling };
        // While the broker is unavailable, jobs stay due and are published as soon as it is back.
        let ready = self.publisher.is_ready();
        let grace = if ready { self.config.job_publish_grace } else { Duration::ZERO };
        let inserting = retry_deadlock(|| {
            self.database.in_batch(async |conn| {
                let Accepted { submitted, publications, ended } =
                    insert(conn, &self.kinds, kind, items, allowance, grace).await?;
                let count = u64::try_from(ended.len()).unwrap_or(u64::MAX);
                // What is due at once is left to the sweep, should the broker return meanwhile: twice is once too often.
                let publications = if ready { publications } else { Vec::new() };
                Ok(((submitted, count), Effects { changes: ended, publications }))
            })
        });
        let (submitted, ended) = self.after(inserting).await?;
        if ended > 0 {
            counter!("toneup_jobs_finished_total", "kind" => kind.name, "status" => "succeeded", "code" => "OK")
                .increment(ended);
        }
        Ok(submitted)
    }

    /// Decides a batch of claims of one kind; see [`commit_claim`] for `token`.
    pub async fn claim(
        &self,
        kind: &Kind,
        requests: &[ClaimRequest],
        token: Uuid,
    ) -> Result<Vec<Claim>, sqlx::Error> {
        // Hints of claims are sent when the work begins.
        commit_claim(&self.database, kind, requests, token, self.config.job_lease).await
    }

    /// Ends a batch of jobs; `None` where the guard no longer held, so that nothing was changed.
    pub async fn finish(&self, items: &[Finish]) -> Result<Vec<Option<Changed>>, sqlx::Error> {
        let grace = self.config.job_publish_grace;
        let finishing = retry_deadlock(|| {
            self.database.in_batch(async |conn| {
                let Ended { changes, released } = finish(conn, &self.kinds, items, grace).await?;
                let hints = changes.iter().flatten().cloned().collect();
                Ok((changes, Effects { changes: hints, publications: released }))
            })
        });
        let changes = self.after(finishing).await?;
        let cancelled = items.iter().zip(&changes).filter(|(item, _)| item.guard == Guard::Active);
        self.hints.send_cancelled(cancelled.filter_map(|(_, change)| change.clone()));
        for (item, _) in items.iter().zip(&changes).filter(|(_, change)| change.is_some()) {
            let codes = self.kinds.get(item.kind).map_or(&[][..], |kind| kind.codes);
            let (status, code) = (item.outcome.status().as_str(), item.outcome.metric_code(codes));
            counter!("toneup_jobs_finished_total", "kind" => item.kind, "status" => status, "code" => code)
                .increment(1);
        }
        Ok(changes)
    }

    /// Requeues a failed job; republishes a queued one.
    pub async fn replay(&self, job: JobId) -> Result<Replay, sqlx::Error> {
        bounded(replay(&self.database, job)).await
    }

    /// Processes the rows that are due; returns their number.
    pub async fn sweep(&self) -> Result<usize, sqlx::Error> {
        let grace = self.config.job_publish_grace;
        let scope = if self.publisher.is_ready() { Scope::All } else { Scope::WithoutPublishing };
        let taking = retry_deadlock(|| {
            self.database.in_batch(async |conn| {
                let Due { publications, finishes } =
                    take_due(conn, &self.kinds, scope, grace).await?;
                let found = publications.len() + finishes.len();
                Ok(((found, finishes), Effects { publications, ..Effects::default() }))
            })
        });
        let (found, finishes) = self.after(taking).await?;
        if !finishes.is_empty() {
            self.finish(&finishes).await?;
        }
        Ok(found)
    }

    /// Releases held jobs of a kind while their users' shares have room.
    pub async fn release_room(&self, kind: &Kind) -> Result<(), sqlx::Error> {
        let grace = self.config.job_publish_grace;
        let releasing = retry_deadlock(|| {
            self.database.in_batch(async |conn| {
                let publications = release_room(conn, kind, grace).await?;
                Ok(((), Effects { publications, ..Effects::default() }))
            })
        });
        self.after(releasing).await
    }
}
