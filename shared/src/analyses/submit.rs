//! Accepting analyses: many submits share one commit, and only then are they published.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use metrics::{counter, histogram};
use sqlx::types::time::OffsetDateTime;
use sqlx::{MySqlConnection, QueryBuilder};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::finish::{Ended, Finish, Guard, finish, lock_users};
use super::held::{self, Active, Share};
use super::idempotency::{Idempotency, deduplicate, give_back_keys};
use super::outcome::{AnalysisResult, Outcome};
use super::{AnalysisId, Changed, UserId};
use crate::batch::{BatchError, Batcher, Limits};
use crate::config::JobsConfig;
use crate::database::{Database, retry_deadlock};
use crate::hints::Hints;
use crate::queue::publisher::{Publication, Publisher};
use crate::trace::TraceParent;

/// A commit that takes longer has failed.
const LONGEST_COMMIT: Duration = Duration::from_millis(1500);
/// A client hears within this time that its submit failed, whatever waits before it.
const LONGEST_SUBMIT: Duration = Duration::from_millis(1800);

/// An analysis asked for.
#[derive(Debug, Clone)]
pub struct NewAnalysis {
    /// Its identity, made by the caller.
    pub id: AnalysisId,
    /// Whose it is.
    pub user: UserId,
    /// Where the photo lies; under the user's own prefix.
    pub object_key: String,
    /// The request's trace.
    pub trace: TraceParent,
    /// When it is of no use any more.
    pub deadline: Option<OffsetDateTime>,
    /// Makes a repeated request find this one.
    pub idempotency: Option<Idempotency>,
    /// Its answer, where the same photo has been answered before: then it ends in the commit that accepts it.
    pub answer: Option<Box<AnalysisResult>>,
}

/// What became of a submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It is durable.
    Accepted {
        /// The database's time of acceptance.
        created_at: OffsetDateTime,
    },
    /// The same request was accepted before, as this analysis.
    Repeated(AnalysisId),
    /// The key was used before, for another request.
    KeyReused,
    /// Its owner has as many unfinished ones as anybody may have.
    TooMany,
}

/// What a batch came to, in the order of the batch.
#[derive(Debug)]
pub struct Accepted {
    /// What became of each.
    pub submitted: Vec<Submitted>,
    /// Those to publish once this is committed; the others accepted are held, or have ended.
    pub publications: Vec<Publication>,
    /// Those that have ended.
    pub ended: Vec<Changed>,
}

/// How much one user may have.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// In the broker or at work; more is held back.
    pub share: u32,
    /// Unfinished; more is refused.
    pub ceiling: u32,
}

/// Hands submits to the group commit. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Submitter {
    batches: Batcher<NewAnalysis, Submitted, sqlx::Error>,
}

impl Submitter {
    /// Starts the group commit; what it accepts goes to `publisher`, and watchers hear of what has ended.
    pub fn spawn(
        pool: Database,
        publisher: Publisher,
        hints: Hints,
        jobs: JobsConfig,
        share: Share,
        tasks: &TaskTracker,
    ) -> Self {
        let limits = Limits { timeout: LONGEST_COMMIT, ..Limits::default() };
        let batches = Batcher::spawn(limits, tasks, move |items: Vec<NewAnalysis>| {
            let (pool, publisher, hints) = (pool.clone(), publisher.clone(), hints.clone());
            let allowance = Allowance { share: share.get(), ceiling: jobs.job_user_ceiling };
            async move {
                // While the broker is away, what is accepted stays due: it is published as soon as the broker is back.
                let grace =
                    if publisher.is_ready() { jobs.job_publish_grace } else { Duration::ZERO };
                let Accepted { submitted, publications, ended } =
                    accept(&pool, &items, allowance, grace).await?;
                publisher.offer_all(publications);
                // Answers that were known already.
                let known = u64::try_from(ended.len()).unwrap_or(u64::MAX);
                counter!("toneup_jobs_finished_total", "status" => "succeeded", "code" => "OK")
                    .increment(known);
                hints.send(ended);
                Ok(submitted)
            }
        });
        Self { batches }
    }

    /// Makes `analysis` durable. An error says nothing about whether it was stored; the client repeats the request with
    /// its idempotency key.
    pub async fn submit(
        &self,
        analysis: NewAnalysis,
    ) -> Result<Submitted, BatchError<sqlx::Error>> {
        let begun = Instant::now();
        match timeout(LONGEST_SUBMIT, self.batches.submit(analysis)).await {
            Ok(submitted) => {
                if submitted.is_ok() {
                    histogram!("toneup_submit_seconds").record(begun.elapsed());
                }
                submitted
            }
            Err(_) => Err(BatchError::TimedOut),
        }
    }
}

/// Makes a batch durable with one commit.
async fn accept(
    pool: &Database,
    items: &[NewAnalysis],
    allowance: Allowance,
    grace: Duration,
) -> Result<Accepted, sqlx::Error> {
    retry_deadlock(|| pool.in_transaction(async |conn| insert(conn, items, allowance, grace).await))
        .await
}

/// Inserts a batch in the caller's transaction. Each row is its own outbox: it is due `grace` from now, until a publish is
/// confirmed. What goes beyond its owner's share is held, and due at its deadline only. What has its answer already ends at
/// once.
pub async fn insert(
    conn: &mut MySqlConnection,
    items: &[NewAnalysis],
    allowance: Allowance,
    grace: Duration,
) -> Result<Accepted, sqlx::Error> {
    let ready: BTreeSet<UserId> =
        items.iter().filter(|item| item.answer.is_some()).map(|item| item.user).collect();
    if !ready.is_empty() {
        // Before everything else, since users are locked first.
        lock_users(&mut *conn, &ready).await?;
    }
    let now = sqlx::query_scalar!(r#"SELECT NOW(3) AS "now: OffsetDateTime""#)
        .fetch_one(&mut *conn)
        .await?;
    let mut submitted = deduplicate(&mut *conn, items, now).await?;
    let users: BTreeSet<UserId> = items.iter().map(|item| item.user).collect();
    let active = held::count_active(&mut *conn, &users).await?;
    let placed = admit(items, &mut submitted, active, allowance);
    give_back_keys(&mut *conn, items, &submitted).await?;
    if placed.is_empty() {
        return Ok(Accepted { submitted, publications: Vec::new(), ended: Vec::new() });
    }
    let finishes: Vec<Finish> = placed.iter().filter_map(|(item, _)| item.finish()).collect();
    let due = now + grace;
    let mut query = QueryBuilder::new(
        "INSERT INTO analyses
             (id, user_id, object_key, status, publish_due, deadline, traceparent, created_at) ",
    );
    query.push_values(&placed, |mut row, (item, place)| {
        let due = match place {
            Place::Moving => Some(item.deadline.map_or(due, |deadline| deadline.min(due))),
            Place::Held => item.deadline,
        };
        row.push_bind(item.id)
            .push_bind(item.user)
            .push_bind(&item.object_key)
            .push("'queued'")
            .push_bind(due)
            .push_bind(item.deadline)
            .push_bind(item.trace.to_string())
            .push_bind(now);
    });
    query.build().execute(&mut *conn).await?;
    let (moving, held): (Vec<_>, Vec<_>) =
        placed.into_iter().partition(|(_, place)| *place == Place::Moving);
    let held: Vec<(UserId, AnalysisId)> =
        held.into_iter().map(|(item, _)| (item.user, item.id)).collect();
    held::hold(&mut *conn, &held).await?;
    let mut publications: Vec<Publication> =
        moving.into_iter().map(|(item, _)| Publication::first(item.id, item.trace)).collect();
    let mut ended = Vec::new();
    if !finishes.is_empty() {
        let Ended { changes, released } = finish(conn, &finishes, grace).await?;
        ended.extend(changes.into_iter().flatten());
        publications.extend(released);
    }
    Ok(Accepted { submitted, publications, ended })
}

impl NewAnalysis {
    /// How it ends, where its answer is known.
    fn finish(&self) -> Option<Finish> {
        let outcome = Outcome::Succeeded(self.answer.clone()?);
        Some(Finish { analysis: self.id, user: self.user, guard: Guard::Active, outcome })
    }
}

/// Where an accepted analysis waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the broker.
    Moving,
    /// In the database.
    Held,
}

/// Places what is new, in order, by what its owner has already; refuses what goes beyond the ceiling. Whoever has
/// something held gets the next held too, so that a user's analyses keep their order.
fn admit<'a>(
    items: &'a [NewAnalysis],
    submitted: &mut [Submitted],
    mut active: BTreeMap<UserId, Active>,
    allowance: Allowance,
) -> Vec<(&'a NewAnalysis, Place)> {
    let mut placed = Vec::new();
    for (item, submitted) in items.iter().zip(submitted) {
        if !matches!(submitted, Submitted::Accepted { .. }) {
            continue;
        }
        let active = active.entry(item.user).or_default();
        if item.answer.is_some() {
            // Waits for nothing and takes nobody's turn: held, as far as its end is concerned, and gone with it.
            placed.push((item, Place::Held));
        } else if active.total() >= allowance.ceiling {
            *submitted = Submitted::TooMany;
        } else if active.held == 0 && active.moving < allowance.share {
            active.moving += 1;
            placed.push((item, Place::Moving));
        } else {
            active.held += 1;
            placed.push((item, Place::Held));
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn items(user: UserId, count: usize) -> Vec<NewAnalysis> {
        let item = |_| NewAnalysis {
            id: AnalysisId::generate(),
            user,
            object_key: String::new(),
            trace: TraceParent::new(),
            deadline: None,
            idempotency: None,
            answer: None,
        };
        (0..count).map(item).collect()
    }

    fn places(active: Active, allowance: Allowance, count: usize) -> (Vec<Place>, usize) {
        let user = UserId(Uuid::now_v7());
        let items = items(user, count);
        let created_at = OffsetDateTime::UNIX_EPOCH;
        let mut submitted = vec![Submitted::Accepted { created_at }; count];
        let placed = admit(&items, &mut submitted, BTreeMap::from([(user, active)]), allowance);
        let refused = submitted.iter().filter(|one| **one == Submitted::TooMany).count();
        (placed.into_iter().map(|(_, place)| place).collect(), refused)
    }

    #[test]
    fn beyond_the_share_is_held_and_beyond_the_ceiling_refused() {
        let allowance = Allowance { share: 3, ceiling: 5 };
        let active = Active { moving: 2, held: 0 };
        assert_eq!(
            places(active, allowance, 4),
            (vec![Place::Moving, Place::Held, Place::Held], 1)
        );
    }

    #[test]
    fn nothing_overtakes_what_is_held() {
        let allowance = Allowance { share: 3, ceiling: 50 };
        let active = Active { moving: 1, held: 1 };
        assert_eq!(places(active, allowance, 1), (vec![Place::Held], 0));
    }
}
