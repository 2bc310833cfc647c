//! Taking analyses to work on: many deliveries share one transaction.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::history::{self, Entry, Kind};
use super::{AnalysisId, Changed, Lease, Status, UserId};
use crate::database::{self, Database, bind_list, retry_deadlock};
use crate::trace::TraceParent;

/// A delivery that wants its analysis.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRequest {
    /// The analysis the message names.
    pub analysis: AnalysisId,
    /// Whether the broker has delivered the message before, so that whoever had it is gone.
    pub redelivered: bool,
}

/// What a delivery may do.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Work on it.
    Granted(Box<Claimed>),
    /// Nothing: it has ended, another worker has it, or it does not exist. Acknowledge and forget.
    Stale,
    /// End this user's analysis as failed: every attempt has been used.
    Exhausted(UserId),
    /// End this user's analysis as expired: its deadline has passed.
    Overdue(UserId),
}

/// An analysis in a worker's hands.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The right to change it.
    pub lease: Lease,
    /// Whose it is.
    pub user: UserId,
    /// Where the photo lies.
    pub object_key: String,
    /// The trace of the request that asked for it.
    pub trace: TraceParent,
    /// How long it has waited, if this is its first attempt.
    pub waited: Option<Duration>,
    /// How long until its deadline, if it has one.
    pub remaining: Option<Duration>,
    /// What watchers are told.
    pub changed: Changed,
}

/// What a claim is decided on, read under the row's lock; times are compared by the database's clock.
#[derive(Debug, Clone, FromRow)]
struct Row {
    id: AnalysisId,
    user_id: UserId,
    object_key: String,
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

/// What the row's state allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Grant,
    Stale,
    Exhausted,
    Overdue,
}

/// The rule of claiming: a queued row, or a running one whose worker is known to be gone.
fn judge(row: &Row, redelivered: bool, max_attempts: u16) -> Verdict {
    let free = match row.status {
        Status::Queued => true,
        Status::Running => row.lease_expired || redelivered,
        _ => false,
    };
    if !free {
        Verdict::Stale
    } else if row.is_overdue() {
        Verdict::Overdue
    } else if row.attempt >= max_attempts {
        Verdict::Exhausted
    } else {
        Verdict::Grant
    }
}

/// Decides a batch of claims with one commit; see [`claim`].
pub async fn commit_claim(
    pool: &Database,
    requests: &[ClaimRequest],
    lease: Duration,
    max_attempts: u16,
) -> Result<Vec<Claim>, sqlx::Error> {
    retry_deadlock(|| {
        pool.in_transaction(async |conn| claim(conn, requests, lease, max_attempts).await)
    })
    .await
}

/// Decides a batch of claims in the caller's transaction; the answers are in the order of `requests`.
pub async fn claim(
    conn: &mut MySqlConnection,
    requests: &[ClaimRequest],
    lease: Duration,
    max_attempts: u16,
) -> Result<Vec<Claim>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, user_id, object_key, status, version, attempt, traceparent,
                COALESCE(lease_expires_at <= NOW(3), FALSE) AS lease_expired,
                TIMESTAMPDIFF(MICROSECOND, created_at, NOW(3)) AS waited,
                TIMESTAMPDIFF(MICROSECOND, NOW(3), deadline) AS remaining
         FROM analyses WHERE id IN ",
    );
    bind_list(&mut query, requests.iter().map(|request| request.analysis));
    query.push(" ORDER BY id FOR UPDATE");
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;

    let token = Uuid::new_v4();
    let mut granted = HashSet::new();
    let claims: Vec<Claim> = requests
        .iter()
        .map(|request| {
            let Some(row) = rows.iter().find(|row| row.id == request.analysis) else {
                return Claim::Stale;
            };
            match judge(row, request.redelivered, max_attempts) {
                // The same analysis twice in one batch: the second message is the duplicate.
                Verdict::Grant if !granted.insert(row.id) => Claim::Stale,
                Verdict::Grant => Claim::Granted(Box::new(row.claimed(token))),
                Verdict::Stale => Claim::Stale,
                Verdict::Exhausted => Claim::Exhausted(row.user_id),
                Verdict::Overdue => Claim::Overdue(row.user_id),
            }
        })
        .collect();
    if granted.is_empty() {
        return Ok(claims);
    }
    let mut query = QueryBuilder::new(
        "UPDATE analyses SET status = 'running', attempt = attempt + 1, version = version + 1,
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
    let taken_over: Vec<Entry> = rows
        .iter()
        .filter(|row| row.status == Status::Running && granted.contains(&row.id))
        .map(|row| Entry::new(row.id, row.attempt, Kind::TakenOver))
        .collect();
    history::write(conn, &taken_over).await?;
    Ok(claims)
}

/// What the database measured; nothing where its clock went back.
fn micros(measured: i64) -> Duration {
    Duration::from_micros(measured.max(0).unsigned_abs())
}

impl Row {
    fn claimed(&self, token: Uuid) -> Claimed {
        Claimed {
            lease: Lease { analysis: self.id, attempt: self.attempt + 1, token },
            user: self.user_id,
            object_key: self.object_key.clone(),
            trace: self.traceparent.as_deref().and_then(|t| t.parse().ok()).unwrap_or_default(),
            waited: (self.attempt == 0).then_some(self.waited).map(micros),
            remaining: self.remaining.map(micros),
            changed: Changed {
                user: self.user_id,
                analysis: self.id,
                version: self.version + 1,
                channels: BTreeSet::new(),
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
            id: AnalysisId::generate(),
            user_id: UserId(Uuid::now_v7()),
            object_key: "u/x/y.jpg".to_owned(),
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
    fn a_queued_analysis_is_granted_until_its_attempts_are_used() {
        let queued = row(Status::Queued);
        assert_eq!(judge(&queued, false, MAX), Verdict::Grant);
        assert_eq!(judge(&Row { attempt: MAX, ..queued }, false, MAX), Verdict::Exhausted);
    }

    #[test]
    fn a_running_analysis_is_taken_over_only_when_its_worker_is_gone() {
        let running = Row { attempt: 1, ..row(Status::Running) };
        assert_eq!(judge(&running, false, MAX), Verdict::Stale);
        assert_eq!(judge(&running, true, MAX), Verdict::Grant);
        assert_eq!(judge(&Row { lease_expired: true, ..running }, false, MAX), Verdict::Grant);
    }

    #[test]
    fn an_ended_analysis_is_never_taken_again() {
        for status in [Status::Succeeded, Status::Failed, Status::Cancelled, Status::Expired] {
            let ended = Row { lease_expired: true, remaining: Some(-1), ..row(status) };
            assert_eq!(judge(&ended, true, MAX), Verdict::Stale, "{status:?}");
        }
    }

    #[test]
    fn an_overdue_analysis_is_never_started() {
        let overdue = Row { remaining: Some(0), attempt: MAX, ..row(Status::Queued) };
        assert_eq!(judge(&overdue, false, MAX), Verdict::Overdue);
    }
}
