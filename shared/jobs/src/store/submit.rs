//! Accepting jobs: many submits share one transaction, each row its own outbox.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::types::time::OffsetDateTime;
use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::micros;
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

use super::fairness::{self, Active};
use super::finish::{Ended, Finish, Guard, finish};
use super::idempotency::{Idempotency, deduplicate, release_keys};
use crate::broker::message::Publication;
use crate::document::Document;
use crate::job::{Changed, JobId};
use crate::kind::{Kind, Kinds};
use crate::outcome::Outcome;

/// A job to accept.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// Its identity, made by the caller.
    pub id: JobId,
    /// Its owner.
    pub user: UserId,
    /// What its handler reads.
    pub payload: Document,
    /// The request's trace.
    pub trace: TraceParent,
    /// The time from which its result is of no use.
    pub deadline: Option<OffsetDateTime>,
    /// The key by which a repeated request finds this job.
    pub idempotency: Option<Idempotency>,
    /// Its result, where that is known already: then it ends in the commit that accepts it.
    pub result: Option<Document>,
}

/// The outcome of a submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// It is durable.
    Accepted {
        /// The database's time of acceptance.
        created_at: OffsetDateTime,
    },
    /// The same request was accepted before, as this job.
    Repeated(JobId),
    /// The key was used before, for another request.
    KeyReused,
    /// Its owner has as many unfinished ones as anybody may have.
    TooMany,
}

/// The effects of a batch, in its order.
#[derive(Debug)]
pub struct Accepted {
    /// The outcome of each submit.
    pub submitted: Vec<Submitted>,
    /// Those to publish once this is committed; the others accepted are held, or have ended.
    pub publications: Vec<Publication>,
    /// Those that have ended.
    pub ended: Vec<Changed>,
}

/// The bounds on one user's unfinished jobs.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// In the broker or at work; more is held back.
    pub share: u32,
    /// Unfinished; more is refused.
    pub ceiling: u32,
}

/// Inserts a batch of one kind in the caller's transaction. Each row is due `grace` from now, until a publish is confirmed.
/// A job beyond its owner's share is held, and due at its deadline only. A job whose result is known ends at once.
pub async fn insert(
    conn: &mut MySqlConnection,
    kinds: &Kinds,
    kind: &Kind,
    items: &[NewJob],
    allowance: Allowance,
    grace: Duration,
) -> Result<Accepted, sqlx::Error> {
    let finishes: Vec<Finish> = items.iter().filter_map(|item| item.finish(kind.name)).collect();
    if !finishes.is_empty() {
        // Before everything else: these locks come first.
        let owners: BTreeSet<UserId> = finishes.iter().map(|finish| finish.user).collect();
        kind.endings.lock(&mut *conn, &owners).await?;
    }
    let now = sqlx::query_scalar!(r#"SELECT NOW(3) AS "now: OffsetDateTime""#)
        .fetch_one(&mut *conn)
        .await?;
    let mut submitted = deduplicate(&mut *conn, kind.name, items, now).await?;
    let users: BTreeSet<UserId> = items.iter().map(|item| item.user).collect();
    let active = fairness::count_active(&mut *conn, kind.name, &users).await?;
    let placed = place(items, &mut submitted, active, allowance);
    release_keys(&mut *conn, kind.name, items, &submitted).await?;
    if placed.is_empty() {
        return Ok(Accepted { submitted, publications: Vec::new(), ended: Vec::new() });
    }
    insert_rows(&mut *conn, kind, &placed, now, grace).await?;
    let publication = |item: &NewJob| Publication::first(item.id, kind.name, item.trace);
    let mut publications: Vec<Publication> =
        of_place(&placed, Place::Moving).map(publication).collect();
    let held: Vec<(UserId, JobId)> =
        of_place(&placed, Place::Held).map(|item| (item.user, item.id)).collect();
    fairness::hold(&mut *conn, kind.name, &held).await?;
    let accepted: BTreeSet<JobId> = placed.iter().map(|(item, _)| item.id).collect();
    let finishes: Vec<Finish> =
        finishes.into_iter().filter(|finish| accepted.contains(&finish.job)).collect();
    let mut ended = Vec::new();
    if !finishes.is_empty() {
        let Ended { changes, released } = finish(conn, kinds, &finishes, grace).await?;
        ended.extend(changes.into_iter().flatten());
        publications.extend(released);
    }
    Ok(Accepted { submitted, publications, ended })
}

/// The accepted jobs of one place.
fn of_place<'a>(placed: &[(&'a NewJob, Place)], wanted: Place) -> impl Iterator<Item = &'a NewJob> {
    placed.iter().filter(move |(_, place)| *place == wanted).map(|(item, _)| *item)
}

async fn insert_rows(
    conn: &mut MySqlConnection,
    kind: &Kind,
    placed: &[(&NewJob, Place)],
    now: OffsetDateTime,
    grace: Duration,
) -> Result<(), sqlx::Error> {
    let due = now + grace;
    let mut query = QueryBuilder::new(
        "INSERT INTO jobs
             (id, kind, user_id, payload, status, publish_due, deadline, traceparent, created_at) ",
    );
    query.push_values(placed, |mut row, (item, place)| {
        let due = match place {
            Place::Moving => Some(item.deadline.map_or(due, |deadline| deadline.min(due))),
            Place::Held => item.deadline,
        };
        row.push_bind(item.id)
            .push_bind(kind.name)
            .push_bind(item.user)
            .push_bind(item.payload.clone())
            .push("'queued'")
            .push_bind(due)
            .push_bind(item.deadline)
            .push_bind(item.trace.to_string())
            .push_bind(now);
    });
    query.build().execute(conn).await.map(drop)
}

/// Schedules jobs of a kind in the caller's transaction, to start `delay` from now: the sweep publishes them. They are
/// beyond shares and ceilings, for what the system itself has to do. Returns their ids, in order.
pub async fn schedule(
    conn: &mut MySqlConnection,
    kind: &str,
    jobs: &[(UserId, Document)],
    delay: Duration,
) -> Result<Vec<JobId>, sqlx::Error> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<JobId> = jobs.iter().map(|_| JobId::generate()).collect();
    let mut query = QueryBuilder::new(
        "INSERT INTO jobs (id, kind, user_id, payload, status, publish_due, created_at) ",
    );
    query.push_values(jobs.iter().zip(&ids), |mut row, ((user, payload), id)| {
        row.push_bind(*id)
            .push_bind(kind)
            .push_bind(*user)
            .push_bind(payload.clone())
            .push("'queued'")
            .push("NOW(3) + INTERVAL ")
            .push_bind_unseparated(micros(delay))
            .push_unseparated(" MICROSECOND")
            .push("NOW(3)");
    });
    query.build().execute(conn).await?;
    Ok(ids)
}

impl NewJob {
    /// Its end, where its result is known.
    fn finish(&self, kind: &'static str) -> Option<Finish> {
        let (guard, note) = (Guard::Active, None);
        let outcome = Outcome::Succeeded(self.result.clone()?);
        Some(Finish { job: self.id, kind, user: self.user, guard, outcome, note })
    }
}

/// The place where an accepted job waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the broker.
    Moving,
    /// In the database.
    Held,
}

/// Places what is new, in order, by what its owner has already; refuses what goes beyond the ceiling. Whoever has
/// something held gets the next held too, so that a user's jobs keep their order.
fn place<'a>(
    items: &'a [NewJob],
    submitted: &mut [Submitted],
    mut active: BTreeMap<UserId, Active>,
    allowance: Allowance,
) -> Vec<(&'a NewJob, Place)> {
    let mut placed = Vec::new();
    for (item, submitted) in items.iter().zip(submitted) {
        if !matches!(submitted, Submitted::Accepted { .. }) {
            continue;
        }
        let active = active.entry(item.user).or_default();
        if item.result.is_some() {
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

    fn items(user: UserId, count: usize) -> Vec<NewJob> {
        let item = |_| NewJob {
            id: JobId::generate(),
            user,
            payload: Document::of(&"a payload").unwrap(),
            trace: TraceParent::new(),
            deadline: None,
            idempotency: None,
            result: None,
        };
        (0..count).map(item).collect()
    }

    fn places(active: Active, allowance: Allowance, count: usize) -> (Vec<Place>, usize) {
        let user = UserId(Uuid::now_v7());
        let items = items(user, count);
        let created_at = OffsetDateTime::UNIX_EPOCH;
        let mut submitted = vec![Submitted::Accepted { created_at }; count];
        let placed = place(&items, &mut submitted, BTreeMap::from([(user, active)]), allowance);
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
