//! Ending analyses: outcome, event and state in one transaction, many at a time. Every terminal arrow goes through here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use metrics::counter;
use sqlx::types::Json;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::outcome::{AnalysisError, Outcome};
use super::{AnalysisId, Changed, Lease, Status, UserId, dead, held};
use crate::database::{Database, bind_list, retry_deadlock};
use crate::pushes::{ChannelKind, deliveries};
use crate::queue::publisher::Publication;

/// An analysis to end, and on what condition.
#[derive(Debug, Clone)]
pub struct Finish {
    /// Which one.
    pub analysis: AnalysisId,
    /// Whose it is: users are locked before analyses, so that the numbers of events are taken in one order.
    pub user: UserId,
    /// What must still be true.
    pub guard: Guard,
    /// What it came to.
    pub outcome: Outcome,
}

/// The condition under which an analysis may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The worker still holds its lease.
    Leased(Lease),
    /// It has not ended and no worker's lease is valid.
    Unowned,
    /// It has not ended.
    Active,
}

/// What a guard is held against, read under the row's lock.
#[derive(Debug, Clone, FromRow)]
struct Row {
    id: AnalysisId,
    status: Status,
    version: u32,
    attempt: u16,
    lease_token: Option<Uuid>,
    lease_valid: bool,
}

fn holds(guard: Guard, row: &Row) -> bool {
    let running = row.status == Status::Running;
    match guard {
        Guard::Leased(lease) => {
            running && row.attempt == lease.attempt && row.lease_token == Some(lease.token)
        }
        Guard::Unowned => row.status == Status::Queued || (running && !row.lease_valid),
        Guard::Active => !row.status.is_terminal(),
    }
}

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Ended {
    /// In the order of the batch: `Some` where the analysis ended, `None` where the guard no longer held, and nothing was
    /// changed.
    pub changes: Vec<Option<Changed>>,
    /// Analyses that were held until these had ended: to be published once this is committed.
    pub released: Vec<Publication>,
}

/// Ends a batch with one commit; see [`finish`]. What is released and not confirmed within `grace` is published again.
pub async fn commit_finish(
    pool: &Database,
    items: &[Finish],
    grace: Duration,
) -> Result<Ended, sqlx::Error> {
    let ended =
        retry_deadlock(|| pool.in_transaction(async |conn| finish(conn, items, grace).await))
            .await?;
    count(items, &ended);
    Ok(ended)
}

/// Tells operators' tools what has ended; once it is committed.
pub fn count(items: &[Finish], ended: &Ended) {
    let won = items.iter().zip(&ended.changes).filter(|(_, change)| change.is_some());
    for (Finish { outcome, .. }, _) in won {
        let (status, code) = (outcome.status().as_str(), outcome.code());
        counter!("toneup_jobs_finished_total", "status" => status, "code" => code).increment(1);
    }
}

/// Ends a batch in the caller's transaction.
pub async fn finish(
    conn: &mut MySqlConnection,
    items: &[Finish],
    grace: Duration,
) -> Result<Ended, sqlx::Error> {
    let users = items.iter().map(|item| item.user).collect();
    let mut sequences = lock_users(conn, &users).await?;
    let rows = lock_analyses(conn, items).await?;

    let mut ended = HashSet::new();
    let winners: Vec<Option<(&Finish, u32, u64)>> = items
        .iter()
        .map(|item| {
            let row = rows.get(&item.analysis)?;
            if !holds(item.guard, row) || !ended.insert(item.analysis) {
                return None;
            }
            let sequence = sequences.get_mut(&item.user)?;
            *sequence += 1;
            Some((item, row.version + 1, *sequence))
        })
        .collect();
    let mut channels = HashMap::new();
    let mut released = Vec::new();
    if !ended.is_empty() {
        let won: Vec<(&Finish, u64)> =
            winners.iter().flatten().map(|(item, _, sequence)| (*item, *sequence)).collect();
        insert_outcomes(conn, &won).await?;
        insert_events(conn, &won).await?;
        channels = announce(conn, &won).await?;
        update_states(conn, &won).await?;
        update_sequences(conn, &won).await?;
        dead::note_failed(conn, won.iter().map(|(finish, _)| *finish)).await?;
        released = release_next(conn, &won, &rows, grace).await?;
    }
    let changes = winners
        .into_iter()
        .map(|winner| {
            winner.map(|(item, version, _)| Changed {
                user: item.user,
                analysis: item.analysis,
                version,
                channels: channels.remove(&item.analysis).unwrap_or_default(),
            })
        })
        .collect();
    Ok(Ended { changes, released })
}

/// For each analysis that ended and was not held itself, the next of its owner that is held.
async fn release_next(
    conn: &mut MySqlConnection,
    won: &[(&Finish, u64)],
    rows: &HashMap<AnalysisId, Row>,
    grace: Duration,
) -> Result<Vec<Publication>, sqlx::Error> {
    let ended = |(item, _): &(&Finish, u64)| (item.user, item.analysis);
    let was_queued = |(_, analysis): &(UserId, AnalysisId)| {
        rows.get(analysis).is_some_and(|row| row.status == Status::Queued)
    };
    let queued: Vec<(UserId, AnalysisId)> = won.iter().map(ended).filter(was_queued).collect();
    let held = held::find_held(&mut *conn, &queued).await?;
    if !held.is_empty() {
        held::forget(&mut *conn, &held).await?;
    }
    let mut room: BTreeMap<UserId, u32> = BTreeMap::new();
    for (user, _) in won.iter().map(ended).filter(|ended| !held.contains(ended)) {
        *room.entry(user).or_default() += 1;
    }
    if room.is_empty() { Ok(Vec::new()) } else { held::release(conn, &room, grace).await }
}

/// Locks users in order of id, before anything else is locked; answers the numbers of their last events.
pub(super) async fn lock_users(
    conn: &mut MySqlConnection,
    users: &BTreeSet<UserId>,
) -> Result<HashMap<UserId, u64>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT id, event_seq FROM users WHERE id IN ");
    bind_list(&mut query, users.iter().copied());
    query.push(" ORDER BY id FOR UPDATE");
    let rows: Vec<(UserId, u64)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

async fn lock_analyses(
    conn: &mut MySqlConnection,
    items: &[Finish],
) -> Result<HashMap<AnalysisId, Row>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, status, version, attempt, lease_token,
                COALESCE(lease_expires_at > NOW(3), FALSE) AS lease_valid
         FROM analyses WHERE id IN ",
    );
    bind_list(&mut query, items.iter().map(|item| item.analysis));
    query.push(" ORDER BY id FOR UPDATE");
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

async fn insert_outcomes(
    conn: &mut MySqlConnection,
    won: &[(&Finish, u64)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "INSERT INTO analysis_outcomes
             (analysis_id, result, error_code, error_message, error_retryable) ",
    );
    query.push_values(won, |mut row, (item, _)| {
        let (result, error) = match &item.outcome {
            Outcome::Succeeded(result) => (Some(Json(result)), None),
            Outcome::Failed(error) => (None, Some(error.clone())),
            Outcome::Cancelled => (None, Some(cancelled())),
            Outcome::Expired => (None, Some(expired())),
        };
        row.push_bind(item.analysis)
            .push_bind(result)
            .push_bind(error.as_ref().map(|error| error.code.clone()))
            .push_bind(error.as_ref().map(|error| error.message.clone()))
            .push_bind(error.map(|error| error.retryable));
    });
    query.build().execute(conn).await.map(drop)
}

fn cancelled() -> AnalysisError {
    AnalysisError::retryable("CANCELLED", "The analysis was cancelled.")
}

fn expired() -> AnalysisError {
    AnalysisError::retryable("EXPIRED", "The deadline passed before the analysis ended.")
}

async fn insert_events(
    conn: &mut MySqlConnection,
    won: &[(&Finish, u64)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "INSERT INTO analysis_events (user_id, seq, analysis_id, status, created_at) ",
    );
    query.push_values(won, |mut row, (item, sequence)| {
        row.push_bind(item.user)
            .push_bind(*sequence)
            .push_bind(item.analysis)
            .push_bind(item.outcome.status().as_str())
            .push("NOW(3)");
    });
    query.build().execute(conn).await.map(drop)
}

/// What tells users who are not looking, and on which channels.
async fn announce(
    conn: &mut MySqlConnection,
    won: &[(&Finish, u64)],
) -> Result<HashMap<AnalysisId, BTreeSet<ChannelKind>>, sqlx::Error> {
    let ended = won.iter().map(|(item, _)| (item.user, item.analysis, item.outcome.status()));
    deliveries::announce(conn, &ended.collect::<Vec<_>>()).await
}

/// One statement for each state reached.
async fn update_states(
    conn: &mut MySqlConnection,
    won: &[(&Finish, u64)],
) -> Result<(), sqlx::Error> {
    let mut by_status: BTreeMap<Status, Vec<AnalysisId>> = BTreeMap::new();
    for (item, _) in won {
        by_status.entry(item.outcome.status()).or_default().push(item.analysis);
    }
    for (status, ids) in by_status {
        let mut query = QueryBuilder::new("UPDATE analyses SET status = ");
        query.push_bind(status.as_str());
        query.push(
            ", version = version + 1, finished_at = NOW(3), lease_token = NULL,
             lease_expires_at = NULL, published_at = NULL, publish_due = NULL WHERE id IN ",
        );
        bind_list(&mut query, ids.into_iter());
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

async fn update_sequences(
    conn: &mut MySqlConnection,
    won: &[(&Finish, u64)],
) -> Result<(), sqlx::Error> {
    let last: BTreeMap<UserId, u64> =
        won.iter().map(|(item, sequence)| (item.user, *sequence)).collect();
    let mut query = QueryBuilder::new("UPDATE users SET event_seq = CASE id");
    for (user, sequence) in &last {
        query.push(" WHEN ").push_bind(*user).push(" THEN ").push_bind(*sequence);
    }
    query.push(" ELSE event_seq END WHERE id IN ");
    bind_list(&mut query, last.into_keys());
    query.build().execute(conn).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> (Row, Lease) {
        let lease = Lease { analysis: AnalysisId::generate(), attempt: 2, token: Uuid::new_v4() };
        let row = Row {
            id: lease.analysis,
            status: Status::Running,
            version: 4,
            attempt: 2,
            lease_token: Some(lease.token),
            lease_valid: true,
        };
        (row, lease)
    }

    #[test]
    fn a_worker_ends_only_the_attempt_it_holds() {
        let (row, lease) = running();
        assert!(holds(Guard::Leased(lease), &row));
        assert!(!holds(Guard::Leased(Lease { attempt: 1, ..lease }), &row));
        assert!(!holds(Guard::Leased(Lease { token: Uuid::new_v4(), ..lease }), &row));
        let requeued = Row { status: Status::Queued, ..row };
        assert!(!holds(Guard::Leased(lease), &requeued));
    }

    #[test]
    fn an_expired_lease_still_counts_until_another_worker_takes_over() {
        let (row, lease) = running();
        assert!(holds(Guard::Leased(lease), &Row { lease_valid: false, ..row }));
    }

    #[test]
    fn nobody_ends_what_a_worker_owns_or_what_has_ended() {
        let (row, _) = running();
        assert!(!holds(Guard::Unowned, &row));
        assert!(holds(Guard::Unowned, &Row { lease_valid: false, ..row.clone() }));
        assert!(holds(Guard::Active, &row));
        let ended = Row { status: Status::Succeeded, lease_valid: false, ..row };
        assert!(!holds(Guard::Unowned, &ended) && !holds(Guard::Active, &ended));
    }
}
