//! The engine: commits transitions, and then tells whoever waits for them.

use std::time::Duration;

use metrics::counter;
use toneup_platform::database::{Database, bounded, retry_deadlock};

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
use crate::store::finish::{Ended, Finish, finish};
use crate::store::submit::{Accepted, Allowance, NewJob, Submitted, insert};

/// Commits transitions of jobs of all kinds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    /// The database.
    pub database: Database,
    /// The kinds of jobs.
    pub kinds: Kinds,
    /// Publishes what is due.
    pub publisher: Publisher,
    /// Tells watchers.
    pub hints: Hints,
    /// The timing of a job's life.
    pub config: JobsConfig,
}

/// What others are told once a transaction is committed.
#[derive(Debug, Default)]
struct Effects {
    /// For watchers.
    changes: Vec<Changed>,
    /// For the broker.
    publications: Vec<Publication>,
}

impl Engine {
    /// Awaits a transaction; once it is committed, sends its hints and publishes its messages. Every transition that others
    /// wait for goes through here.
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
        // While the broker is away, jobs stay due: they are published as soon as it is back.
        let ready = self.publisher.is_ready();
        let grace = if ready { self.config.job_publish_grace } else { Duration::ZERO };
        let inserting = retry_deadlock(|| {
            self.database.in_transaction(async |conn| {
                let Accepted { submitted, publications, ended } =
                    insert(conn, &self.kinds, kind, items, allowance, grace).await?;
                let count = u64::try_from(ended.len()).unwrap_or(u64::MAX);
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

    /// Decides a batch of claims of one kind.
    pub async fn claim(
        &self,
        kind: &Kind,
        requests: &[ClaimRequest],
    ) -> Result<Vec<Claim>, sqlx::Error> {
        // Hints of claims are sent when the work begins.
        commit_claim(&self.database, kind, requests, self.config.job_lease).await
    }

    /// Ends a batch of jobs; `None` where the guard no longer held.
    pub async fn finish(&self, items: &[Finish]) -> Result<Vec<Option<Changed>>, sqlx::Error> {
        let grace = self.config.job_publish_grace;
        let finishing = retry_deadlock(|| {
            self.database.in_transaction(async |conn| {
                let Ended { changes, released } = finish(conn, &self.kinds, items, grace).await?;
                let hints = changes.iter().flatten().cloned().collect();
                Ok((changes, Effects { changes: hints, publications: released }))
            })
        });
        let changes = self.after(finishing).await?;
        for (item, _) in items.iter().zip(&changes).filter(|(_, change)| change.is_some()) {
            let codes = self.kinds.get(item.kind).map_or(&[][..], |kind| kind.codes);
            let (status, code) = (item.outcome.status().as_str(), item.outcome.metric_code(codes));
            counter!("toneup_jobs_finished_total", "kind" => item.kind, "status" => status, "code" => code)
                .increment(1);
        }
        Ok(changes)
    }

    /// Queues a failed job again; publishes one that is queued once more.
    pub async fn replay(&self, job: JobId) -> Result<Replay, sqlx::Error> {
        bounded(replay(&self.database, job)).await
    }

    /// Acts on the rows that are due; returns their number.
    pub async fn sweep(&self) -> Result<usize, sqlx::Error> {
        let grace = self.config.job_publish_grace;
        let scope = if self.publisher.is_ready() { Scope::All } else { Scope::WithoutPublishing };
        let taking = retry_deadlock(|| {
            self.database.in_transaction(async |conn| {
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

    /// Releases held jobs of a kind where there is room in their owners' shares.
    pub async fn release_room(&self, kind: &Kind) -> Result<(), sqlx::Error> {
        let grace = self.config.job_publish_grace;
        let releasing = retry_deadlock(|| {
            self.database.in_transaction(async |conn| {
                let publications = release_room(conn, kind, grace).await?;
                Ok(((), Effects { publications, ..Effects::default() }))
            })
        });
        self.after(releasing).await
    }
}
