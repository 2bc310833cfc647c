//! Ending of jobs: outcome, state and their consequences in one transaction, many jobs at a time. Every transition to a
//! terminal state goes through here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, json_rows};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::{dead_letters, fairness};
use crate::broker::message::Publication;
use crate::document::Document;
use crate::job::{Changed, JobId, Lease, Status};
use crate::kind::{EndedJob, Kind, Kinds};
use crate::outcome::Outcome;

/// A job to end, and the condition for it.
#[derive(Debug, Clone)]
pub struct Finish {
    /// Identifier of the job.
    pub job: JobId,
    /// Name of the job's kind.
    pub kind: &'static str,
    /// Owner of the job; locks by owner precede those of jobs.
    pub user: UserId,
    /// Condition under which the job may end.
    pub guard: Guard,
    /// Outcome to store with the job.
    pub outcome: Outcome,
    /// Note of the handler for [`crate::kind::Endings::ended`].
    pub note: Option<Document>,
}

/// Condition under which a job may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// The worker still holds its lease.
    Leased(Lease),
    /// It has not ended and no worker's lease is valid.
    Unowned,
    /// It has not ended.
    Active,
}

/// Columns that a guard is checked against, read under the row's lock, and the payload.
#[derive(Debug, Clone, FromRow)]
struct Row {
    id: JobId,
    status: Status,
    version: u32,
    attempt: u16,
    lease_token: Option<Uuid>,
    lease_valid: bool,
    payload: Document,
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

/// Effects of a batch.
#[derive(Debug, Default)]
pub struct Ended {
    /// In the order of the batch: `Some` where the job ended, `None` where the guard no longer held and nothing was
    /// changed.
    pub changes: Vec<Option<Changed>>,
    /// Publications of jobs that were held until these had ended, to be published after the commit.
    pub released: Vec<Publication>,
}

/// Ends a batch in the caller's transaction. A released job that is not confirmed within `grace` is published again.
pub async fn finish(
    conn: &mut MySqlConnection,
    kinds: &Kinds,
    items: &[Finish],
    grace: Duration,
) -> Result<Ended, sqlx::Error> {
    let by_kind = group(kinds, items);
    for (kind, items) in &by_kind {
        let users: BTreeSet<UserId> = items.iter().map(|item| item.user).collect();
        kind.endings.lock(&mut *conn, &users).await?;
    }
    let rows = lock_jobs(conn, items).await?;
    let mut ended: HashMap<JobId, Changed> = HashMap::new();
    let mut released = Vec::new();
    for (kind, items) in by_kind {
        let mut seen = HashSet::new();
        let holds = |item: &&Finish| {
            let row = rows.get(&item.job);
            row.is_some_and(|row| holds(item.guard, row)) && seen.insert(item.job)
        };
        let won: Vec<&Finish> = items.into_iter().filter(holds).collect();
        if won.is_empty() {
            continue;
        }
        insert_outcomes(conn, kind, &won).await?;
        let topics = run_endings(conn, kind, &won, &rows).await?;
        update_states(conn, &won).await?;
        dead_letters::record_failed(conn, kind.name, &won).await?;
        released.extend(release_next(conn, kind, &won, &rows, grace).await?);
        for (item, topics) in won.iter().zip(topics) {
            let version = rows.get(&item.job).map_or(0, |row| row.version + 1);
            let kind = kind.name.to_owned();
            let changed = Changed { user: item.user, job: item.job, kind, version, topics };
            ended.insert(item.job, changed);
        }
    }
    // Of two entries for one job, the first has ended it.
    let changes = items.iter().map(|item| ended.remove(&item.job)).collect();
    Ok(Ended { changes, released })
}

/// Groups the items by kind, in one order for all writers.
fn group<'a>(kinds: &'a Kinds, items: &'a [Finish]) -> Vec<(&'a Kind, Vec<&'a Finish>)> {
    let mut by_name: BTreeMap<&str, Vec<&Finish>> = BTreeMap::new();
    for item in items {
        by_name.entry(item.kind).or_default().push(item);
    }
    by_name.into_iter().filter_map(|(name, items)| Some((kinds.get(name)?, items))).collect()
}

/// Runs the kind's [`crate::kind::Endings`] for these jobs.
async fn run_endings(
    conn: &mut MySqlConnection,
    kind: &Kind,
    won: &[&Finish],
    rows: &HashMap<JobId, Row>,
) -> Result<Vec<BTreeSet<String>>, sqlx::Error> {
    // Each was locked, and so has its row.
    let locked = won.iter().filter_map(|item| Some((item, rows.get(&item.job)?)));
    let jobs: Vec<EndedJob> = locked
        .map(|(item, row)| EndedJob {
            job: item.job,
            user: item.user,
            payload: &row.payload,
            outcome: &item.outcome,
            note: item.note.as_ref(),
        })
        .collect();
    let mut topics = kind.endings.ended(conn, &jobs).await?;
    topics.resize(won.len(), BTreeSet::new());
    Ok(topics)
}

/// Releases, for each job that ended and was not held itself, the next of its owner that is held.
async fn release_next(
    conn: &mut MySqlConnection,
    kind: &Kind,
    won: &[&Finish],
    rows: &HashMap<JobId, Row>,
    grace: Duration,
) -> Result<Vec<Publication>, sqlx::Error> {
    let ended = |item: &&Finish| (item.user, item.job);
    let was_queued =
        |(_, job): &(UserId, JobId)| rows.get(job).is_some_and(|row| row.status == Status::Queued);
    let queued: Vec<(UserId, JobId)> = won.iter().map(ended).filter(was_queued).collect();
    let held = fairness::find_held(&mut *conn, kind.name, &queued).await?;
    if !held.is_empty() {
        fairness::unhold(&mut *conn, kind.name, &held).await?;
    }
    let mut room: BTreeMap<UserId, u32> = BTreeMap::new();
    for (user, _) in won.iter().map(ended).filter(|ended| !held.contains(ended)) {
        *room.entry(user).or_default() += 1;
    }
    if room.is_empty() {
        return Ok(Vec::new());
    }
    fairness::release(conn, kind.name, &room, grace).await
}

async fn lock_jobs(
    conn: &mut MySqlConnection,
    items: &[Finish],
) -> Result<HashMap<JobId, Row>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, status, version, attempt, lease_token, payload,
                COALESCE(lease_expires_at > NOW(3), FALSE) AS lease_valid
         FROM jobs WHERE id IN ",
    );
    bind_list(&mut query, items.iter().map(|item| item.job));
    query.push(" ORDER BY id FOR UPDATE");
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

async fn insert_outcomes<'a>(
    conn: &mut MySqlConnection,
    kind: &Kind,
    won: &[&'a Finish],
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row<'a> {
        job: JobId,
        result: Option<&'a str>,
        code: Option<String>,
        message: Option<String>,
        retryable: Option<u8>,
    }
    let row = |item: &&'a Finish| {
        let result = match &item.outcome {
            Outcome::Succeeded(result) => Some(result.text()),
            _ => None,
        };
        let error = item.outcome.error(kind.noun);
        let retryable = error.as_ref().map(|error| error.retryable.into());
        let (code, message) = error.map(|error| (error.code, error.message)).unzip();
        Row { job: item.job, result, code, message, retryable }
    };
    let rows: Vec<Row<'_>> = won.iter().map(row).collect();
    let insert = sqlx::query!(
        "INSERT INTO job_outcomes (job_id, result, error_code, error_message, error_retryable)
         SELECT UNHEX(REPLACE(r.job, '-', '')), r.result, r.code, r.message, r.retryable
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             job CHAR(36) PATH '$.job',
             result LONGTEXT CHARACTER SET utf8mb4 PATH '$.result',
             code LONGTEXT CHARACTER SET utf8mb4 PATH '$.code',
             message LONGTEXT CHARACTER SET utf8mb4 PATH '$.message',
             retryable TINYINT PATH '$.retryable')) AS r",
        json_rows(&rows)?,
    );
    insert.execute(conn).await.map(drop)
}

/// Updates the rows with one statement for each state reached.
async fn update_states(conn: &mut MySqlConnection, won: &[&Finish]) -> Result<(), sqlx::Error> {
    let mut by_status: BTreeMap<Status, Vec<JobId>> = BTreeMap::new();
    for item in won {
        by_status.entry(item.outcome.status()).or_default().push(item.job);
    }
    for (status, ids) in by_status {
        let mut query = QueryBuilder::new("UPDATE jobs SET status = ");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> (Row, Lease) {
        let lease = Lease { job: JobId::generate(), attempt: 2, token: Uuid::new_v4() };
        let row = Row {
            id: lease.job,
            status: Status::Running,
            version: 4,
            attempt: 2,
            lease_token: Some(lease.token),
            lease_valid: true,
            payload: Document::of(&"a payload").unwrap(),
        };
        (row, lease)
    }

    #[test]
    fn a_worker_ends_only_the_attempt_it_holds() {
        let (row, lease) = running();
        assert!(holds(Guard::Leased(lease), &row));
        assert!(!holds(Guard::Leased(Lease { attempt: 1, ..lease }), &row));
        assert!(!holds(Guard::Leased(Lease { token: Uuid::new_v4(), ..lease }), &row));
        let requeued = Row { status: Status::Queued, ..row.clone() };
        assert!(!holds(Guard::Leased(lease), &requeued));
    }

    #[test]
    fn an_expired_lease_still_counts_until_another_worker_takes_over() {
        let (row, lease) = running();
        assert!(holds(Guard::Leased(lease), &Row { lease_valid: false, ..row }));
    }

    #[test]
    fn a_job_that_a_worker_owns_or_that_has_ended_is_not_ended_by_others() {
        let (row, _) = running();
        assert!(!holds(Guard::Unowned, &row));
        assert!(holds(Guard::Unowned, &Row { lease_valid: false, ..row.clone() }));
        assert!(holds(Guard::Active, &row));
        let ended = Row { status: Status::Succeeded, lease_valid: false, ..row };
        assert!(!holds(Guard::Unowned, &ended) && !holds(Guard::Active, &ended));
    }
}
