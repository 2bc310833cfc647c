//! Claiming jobs: many deliveries share one transaction.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::transitions::{self, NewTransition, Transition};
use crate::document::Document;
use crate::job::{Changed, JobId, Lease, Status};
use crate::kind::Kind;
use toneup_platform::database::{self, Database, bind_list, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

/// A delivery that asks for its job.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    /// The job that the message names.
    pub job: JobId,
    /// Whether the broker has delivered the message before, so that whoever had it is gone.
    pub redelivered: bool,
}

/// The answer to a claim.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Work on it.
    Granted(Box<Claimed>),
    /// Nothing: it has ended, another worker has it, or it does not exist. Acknowledge and forget.
    Stale,
    /// End this user's job as failed: every attempt has been used.
    Exhausted(UserId),
    /// End this user's job as expired: its deadline has passed.
    Overdue(UserId),
}

/// A job in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The right to change it.
    pub lease: Lease,
    /// Its owner.
    pub user: UserId,
    /// What its handler reads.
    pub payload: Document,
    /// The trace of the request that asked for it.
    pub trace: TraceParent,
    /// How long it has waited, if this is its first attempt.
    pub waited: Option<Duration>,
    /// How long until its deadline, if it has one.
    pub remaining: Option<Duration>,
    /// The hint for watchers.
    pub changed: Changed,
}

/// The facts that decide a claim, read under the row's lock; times are compared by the database's clock.
#[derive(Debug, Clone, FromRow)]
struct Row {
    id: JobId,
    user_id: UserId,
    payload: Document,
    status: Status,
    version: u32,
    attempt: u16,
    traceparent: Option<String>,
    lease_expired: bool,
    /// Microseconds since it was submitted.
    waited: i64,
    /// Microseconds until the deadline; negative once it has passed.
    remaining: Option<i64>,
}

impl Row {
    fn is_overdue(&self) -> bool {
        self.remaining.is_some_and(|remaining| remaining <= 0)
    }
}

/// The decision that the row's state allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Grant,
    Stale,
    Exhausted,
    Overdue,
}

/// The rule of claiming: a queued row, or a running one whose worker is known to be gone.
fn decide(row: &Row, redelivered: bool, max_attempts: u16) -> Decision {
    let free = match row.status {
        Status::Queued => true,
        Status::Running => row.lease_expired || redelivered,
        _ => false,
    };
    if !free {
        Decision::Stale
    } else if row.is_overdue() {
        Decision::Overdue
    } else if row.attempt >= max_attempts {
        Decision::Exhausted
    } else {
        Decision::Grant
    }
}

/// Decides a batch of claims with one commit; see [`claim`].
pub async fn commit_claim(
    pool: &Database,
    kind: &Kind,
    requests: &[ClaimRequest],
    lease: Duration,
) -> Result<Vec<Claim>, sqlx::Error> {
    retry_deadlock(|| pool.in_transaction(async |conn| claim(conn, kind, requests, lease).await))
        .await
}

/// Decides a batch of claims in the caller's transaction; the answers are in the order of `requests`.
pub async fn claim(
    conn: &mut MySqlConnection,
    kind: &Kind,
    requests: &[ClaimRequest],
    lease: Duration,
) -> Result<Vec<Claim>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, user_id, payload, status, version, attempt, traceparent,
                COALESCE(lease_expires_at <= NOW(3), FALSE) AS lease_expired,
                TIMESTAMPDIFF(MICROSECOND, created_at, NOW(3)) AS waited,
                TIMESTAMPDIFF(MICROSECOND, NOW(3), deadline) AS remaining
         FROM jobs WHERE id IN ",
    );
    bind_list(&mut query, requests.iter().map(|request| request.job));
    query.push(" AND kind = ").push_bind(kind.name).push(" ORDER BY id FOR UPDATE");
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;

    let token = Uuid::new_v4();
    let mut granted = HashSet::new();
    let claims: Vec<Claim> = requests
        .iter()
        .map(|request| {
            let Some(row) = rows.iter().find(|row| row.id == request.job) else {
                return Claim::Stale;
            };
            match decide(row, request.redelivered, kind.max_attempts) {
                // The same job twice in one batch: the second message is the duplicate.
                Decision::Grant if !granted.insert(row.id) => Claim::Stale,
                Decision::Grant => Claim::Granted(Box::new(row.claimed(kind, token))),
                Decision::Stale => Claim::Stale,
                Decision::Exhausted => Claim::Exhausted(row.user_id),
                Decision::Overdue => Claim::Overdue(row.user_id),
            }
        })
        .collect();
    if granted.is_empty() {
        return Ok(claims);
    }
    let mut query = QueryBuilder::new(
        "UPDATE jobs SET status = 'running', attempt = attempt + 1, version = version + 1,
                publish_seq = publish_seq + 1, published_at = NULL, started_at = COALESCE(started_at, NOW(3)), lease_token = ",
    );
    query.push_bind(token);
    for column in [", lease_expires_at", ", publish_due"] {
        query.push(column).push(" = NOW(3) + INTERVAL ").push_bind(database::micros(lease));
        query.push(" MICROSECOND");
    }
    query.push(" WHERE id IN ");
    bind_list(&mut query, granted.iter().copied());
    query.build().execute(&mut *conn).await?;
    let taken_over: Vec<NewTransition> = rows
        .iter()
        .filter(|row| row.status == Status::Running && granted.contains(&row.id))
        .map(|row| NewTransition::new(row.id, row.attempt, Transition::TakenOver))
        .collect();
    transitions::record(conn, &taken_over).await?;
    Ok(claims)
}

/// A duration measured by the database; none where its clock went back.
fn micros(measured: i64) -> Duration {
    Duration::from_micros(measured.max(0).unsigned_abs())
}

impl Row {
    fn claimed(&self, kind: &Kind, token: Uuid) -> Claimed {
        Claimed {
            lease: Lease { job: self.id, attempt: self.attempt + 1, token },
            user: self.user_id,
            payload: self.payload.clone(),
            trace: self.traceparent.as_deref().and_then(|t| t.parse().ok()).unwrap_or_default(),
            waited: (self.attempt == 0).then_some(self.waited).map(micros),
            remaining: self.remaining.map(micros),
            changed: Changed {
                user: self.user_id,
                job: self.id,
                kind: kind.name.to_owned(),
                version: self.version + 1,
                topics: BTreeSet::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: u16 = 3;

    fn row(status: Status) -> Row {
        Row {
            id: JobId::generate(),
            user_id: UserId(Uuid::now_v7()),
            payload: Document::of(&"a payload").unwrap(),
            status,
            version: 1,
            attempt: 0,
            traceparent: None,
            lease_expired: false,
            waited: 0,
            remaining: None,
        }
    }

    #[test]
    fn a_queued_job_is_granted_until_its_attempts_are_used() {
        let queued = row(Status::Queued);
        assert_eq!(decide(&queued, false, MAX), Decision::Grant);
        assert_eq!(decide(&Row { attempt: MAX, ..queued }, false, MAX), Decision::Exhausted);
    }

    #[test]
    fn a_running_job_is_taken_over_only_when_its_worker_is_gone() {
        let running = Row { attempt: 1, ..row(Status::Running) };
        assert_eq!(decide(&running, false, MAX), Decision::Stale);
        assert_eq!(decide(&running, true, MAX), Decision::Grant);
        assert_eq!(decide(&Row { lease_expired: true, ..running }, false, MAX), Decision::Grant);
    }

    #[test]
    fn an_ended_job_is_never_taken_again() {
        for status in [Status::Succeeded, Status::Failed, Status::Cancelled, Status::Expired] {
            let ended = Row { lease_expired: true, remaining: Some(-1), ..row(status) };
            assert_eq!(decide(&ended, true, MAX), Decision::Stale, "{status:?}");
        }
    }

    #[test]
    fn an_overdue_job_is_never_started() {
        let overdue = Row { remaining: Some(0), attempt: MAX, ..row(Status::Queued) };
        assert_eq!(decide(&overdue, false, MAX), Decision::Overdue);
    }
}
