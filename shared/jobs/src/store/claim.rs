//! Claiming jobs: many deliveries share one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::transitions::{self, NewTransition, Transition};
use crate::document::Document;
use crate::job::{Changed, JobId, Lease, Status};
use crate::kind::Kind;
use toneup_platform::database::{self, Database, bind_list, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::trace::TraceParent;

/// Claim of the job that a delivery names.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    /// Identifier of the job.
    pub job: JobId,
    /// True if the broker has delivered the message before, so that its earlier consumer is gone.
    pub redelivered: bool,
}

/// Decision on a claim.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Granted: run an attempt.
    Granted(Box<Claimed>),
    /// Nothing to do: the job has ended, another worker has it, or it does not exist. Acknowledge the message.
    Stale,
    /// All attempts have been used: end this user's job as failed.
    Exhausted(UserId),
    /// The deadline has passed: end this user's job as expired.
    Overdue(UserId),
}

/// A job claimed by this worker.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Lease of the attempt.
    pub lease: Lease,
    /// Owner of the job.
    pub user: UserId,
    /// Input of the handler.
    pub payload: Document,
    /// Trace of the request that submitted the job.
    pub trace: TraceParent,
    /// Time from submission to claim; `None` unless this is the first attempt.
    pub waited: Option<Duration>,
    /// Time until the deadline; `None` if the job has none.
    pub remaining: Option<Duration>,
    /// Hint to send to watchers.
    pub changed: Changed,
}

/// Columns that decide a claim, read under the row's lock; times are compared by the database's clock.
#[derive(Debug, Clone, FromRow)]
struct Row {
    id: JobId,
    user_id: UserId,
    status: Status,
    attempt: u16,
    lease_expired: bool,
    overdue: bool,
}

/// Decision that the row's state allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Grant,
    Stale,
    Exhausted,
    Overdue,
}

/// Grants the claim of a queued row, or of a running one whose worker is known to be gone.
fn decide(row: &Row, redelivered: bool, max_attempts: u16) -> Decision {
    let free = match row.status {
        Status::Queued => true,
        Status::Running => row.lease_expired || redelivered,
        _ => false,
    };
    if !free {
        Decision::Stale
    } else if row.overdue {
        Decision::Overdue
    } else if row.attempt >= max_attempts {
        Decision::Exhausted
    } else {
        Decision::Grant
    }
}

/// Decides a batch of claims, and commits; the answers are in the order of `requests`.
///
/// `token` stands for this very batch. Repeated with the same one, after an error that may have come when the commit was
/// done already, it answers what the first try granted.
pub async fn commit_claim(
    database: &Database,
    kind: &Kind,
    requests: &[ClaimRequest],
    token: Uuid,
    lease: Duration,
) -> Result<Vec<Claim>, sqlx::Error> {
    let jobs: BTreeSet<JobId> = requests.iter().map(|request| request.job).collect();
    let taking = || database.batch(async |conn| take_queued(conn, kind, &jobs, token, lease).await);
    let mut claims = retry_deadlock(taking).await?;
    let mut left: BTreeMap<JobId, bool> = BTreeMap::new();
    for request in requests.iter().filter(|request| !claims.contains_key(&request.job)) {
        *left.entry(request.job).or_default() |= request.redelivered;
    }
    if !left.is_empty() {
        let deciding =
            || database.in_batch(async |conn| claim(conn, kind, &left, token, lease).await);
        claims.extend(retry_deadlock(deciding).await?);
    }
    // The same job twice in one batch: the second message is the duplicate.
    Ok(requests.iter().map(|request| claims.remove(&request.job).unwrap_or(Claim::Stale)).collect())
}

/// Grants what is queued, as nearly everything is, with one statement that counts by itself; answers what `token` holds.
pub async fn take_queued(
    conn: &mut MySqlConnection,
    kind: &Kind,
    jobs: &BTreeSet<JobId>,
    token: Uuid,
    lease: Duration,
) -> Result<HashMap<JobId, Claim>, sqlx::Error> {
    let mut query = grant(token, lease);
    bind_list(&mut query, jobs.iter().copied());
    query.push(" AND status = 'queued' AND kind = ").push_bind(kind.name);
    query.push(" AND attempt < ").push_bind(kind.max_attempts);
    query.push(" AND (deadline IS NULL OR deadline > NOW(3))");
    query.build().execute(&mut *conn).await?;
    read_granted(conn, kind, jobs.iter().copied(), token).await
}

/// Decides the claims that are not plain: of jobs that run, have ended, or may not be tried again. In the caller's
/// transaction. By job, whether the broker delivered its message before.
pub async fn claim(
    conn: &mut MySqlConnection,
    kind: &Kind,
    redelivered: &BTreeMap<JobId, bool>,
    token: Uuid,
    lease: Duration,
) -> Result<HashMap<JobId, Claim>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, user_id, status, attempt,
                COALESCE(lease_expires_at <= NOW(3), FALSE) AS lease_expired,
                COALESCE(deadline <= NOW(3), FALSE) AS overdue
         FROM jobs WHERE id IN ",
    );
    bind_list(&mut query, redelivered.keys().copied());
    query.push(" AND kind = ").push_bind(kind.name).push(" ORDER BY id FOR UPDATE");
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
    let (mut claims, mut granted) = (HashMap::new(), Vec::new());
    for row in &rows {
        let redelivered = redelivered.get(&row.id).is_some_and(|redelivered| *redelivered);
        match decide(row, redelivered, kind.max_attempts) {
            Decision::Grant => granted.push(row),
            Decision::Stale => {}
            Decision::Exhausted => drop(claims.insert(row.id, Claim::Exhausted(row.user_id))),
            Decision::Overdue => drop(claims.insert(row.id, Claim::Overdue(row.user_id))),
        }
    }
    if granted.is_empty() {
        return Ok(claims);
    }
    let mut query = grant(token, lease);
    bind_list(&mut query, granted.iter().map(|row| row.id));
    query.build().execute(&mut *conn).await?;
    let taken_over: Vec<NewTransition> = granted
        .iter()
        .filter(|row| row.status == Status::Running)
        .map(|row| NewTransition::new(row.id, row.attempt, Transition::TakenOver))
        .collect();
    transitions::record(&mut *conn, &taken_over).await?;
    claims.extend(read_granted(conn, kind, granted.iter().map(|row| row.id), token).await?);
    Ok(claims)
}

/// `UPDATE jobs SET … WHERE id IN `: grants the jobs that the caller lists.
fn grant(token: Uuid, lease: Duration) -> QueryBuilder<MySql> {
    let mut query = QueryBuilder::new(
        "UPDATE jobs SET status = 'running', attempt = attempt + 1, version = version + 1,
                publish_seq = publish_seq + 1, published_at = NULL,
                started_at = COALESCE(started_at, NOW(3)), lease_token = ",
    );
    query.push_bind(token);
    for column in [", lease_expires_at", ", publish_due"] {
        query.push(column).push(" = NOW(3) + INTERVAL ").push_bind(database::micros(lease));
        query.push(" MICROSECOND");
    }
    query.push(" WHERE id IN ");
    query
}

/// A job that a batch has been granted.
#[derive(Debug, Clone, FromRow)]
struct Granted {
    id: JobId,
    user_id: UserId,
    payload: Document,
    version: u32,
    attempt: u16,
    traceparent: Option<String>,
    /// Microseconds since it was submitted.
    waited: i64,
    /// Microseconds until the deadline.
    remaining: Option<i64>,
}

/// Reads those of `jobs` that `token` holds.
async fn read_granted(
    conn: &mut MySqlConnection,
    kind: &Kind,
    jobs: impl Iterator<Item = JobId>,
    token: Uuid,
) -> Result<HashMap<JobId, Claim>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, user_id, payload, version, attempt, traceparent,
                TIMESTAMPDIFF(MICROSECOND, created_at, NOW(3)) AS waited,
                TIMESTAMPDIFF(MICROSECOND, NOW(3), deadline) AS remaining
         FROM jobs WHERE lease_token = ",
    );
    query.push_bind(token).push(" AND id IN ");
    bind_list(&mut query, jobs);
    let rows: Vec<Granted> = query.build_query_as().fetch_all(conn).await?;
    let claim = |row: Granted| (row.id, Claim::Granted(Box::new(row.claimed(kind, token))));
    Ok(rows.into_iter().map(claim).collect())
}

/// Converts a duration measured by the database; zero if its clock went back.
fn micros(measured: i64) -> Duration {
    Duration::from_micros(measured.max(0).unsigned_abs())
}

impl Granted {
    fn claimed(self, kind: &Kind, token: Uuid) -> Claimed {
        Claimed {
            lease: Lease { job: self.id, attempt: self.attempt, token },
            user: self.user_id,
            payload: self.payload,
            trace: self.traceparent.as_deref().and_then(|t| t.parse().ok()).unwrap_or_default(),
            waited: (self.attempt == 1).then_some(self.waited).map(micros),
            remaining: self.remaining.map(micros),
            changed: Changed {
                user: self.user_id,
                job: self.id,
                kind: kind.name.to_owned(),
                version: self.version,
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
            status,
            attempt: 0,
            lease_expired: false,
            overdue: false,
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
            let ended = Row { lease_expired: true, overdue: true, ..row(status) };
            assert_eq!(decide(&ended, true, MAX), Decision::Stale, "{status:?}");
        }
    }

    #[test]
    fn an_overdue_job_is_never_started() {
        let overdue = Row { overdue: true, attempt: MAX, ..row(Status::Queued) };
        assert_eq!(decide(&overdue, false, MAX), Decision::Overdue);
    }
}
