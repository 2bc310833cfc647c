//! Idempotent submits: a repeated request returns the job of the first one.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use super::submit::{NewJob, Submitted};
use crate::job::JobId;
use toneup_platform::database::{bind_list, bind_pairs, json_rows};
use toneup_platform::identity::UserId;

/// A client's key for one request, and the fingerprint of the request.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// Printable ASCII, at most 128 characters.
    pub key: String,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
    /// Lifetime of the key.
    pub lasts: Lasts,
}

/// Period in which a key identifies the first request that used it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// Until the key is purged.
    Remembered,
    /// Until the job has ended.
    WhileRunning,
}

impl Idempotency {
    /// Creates the key of a request that carries none: the same request finds the job while it runs.
    pub fn implicit(fingerprint: [u8; 32]) -> Self {
        // No client can send a key with a control character.
        let key = format!("\u{1}request:{}", hex::encode(fingerprint));
        Self { key, fingerprint, lasts: Lasts::WhileRunning }
    }
}

/// Finds the job of an earlier request of `user` with the same key and fingerprint.
pub async fn find_repeated(
    conn: &mut MySqlConnection,
    kind: &str,
    user: UserId,
    asked: &Idempotency,
) -> Result<Option<JobId>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT job_id FROM idempotency_keys
         WHERE user_id = ? AND kind = ? AND idem_key = ? AND fingerprint = ?",
    )
    .bind(user)
    .bind(kind)
    .bind(&asked.key)
    .bind(asked.fingerprint.as_slice())
    .fetch_optional(conn)
    .await
}

/// Frees the idempotency keys of refused submits.
pub(super) async fn release_keys(
    conn: &mut MySqlConnection,
    kind: &str,
    items: &[NewJob],
    submitted: &[Submitted],
) -> Result<(), sqlx::Error> {
    let refused: Vec<(UserId, &str)> = items
        .iter()
        .zip(submitted)
        .filter(|(_, submitted)| **submitted == Submitted::TooMany)
        .filter_map(|(item, _)| Some((item.user, item.idempotency.as_ref()?.key.as_str())))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("DELETE FROM idempotency_keys WHERE kind = ");
    query.push_bind(kind).push(" AND ");
    bind_pairs(&mut query, ("user_id", "idem_key"), refused.into_iter());
    query.build().execute(conn).await.map(drop)
}

/// Reserves the idempotency keys of a batch, and finds the items that are repetitions.
pub(super) async fn deduplicate(
    conn: &mut MySqlConnection,
    kind: &str,
    items: &[NewJob],
    now: OffsetDateTime,
) -> Result<Vec<Submitted>, sqlx::Error> {
    let mut keyed: Vec<(&NewJob, &Idempotency)> =
        items.iter().filter_map(|item| Some((item, item.idempotency.as_ref()?))).collect();
    if keyed.is_empty() {
        return Ok(vec![Submitted::Accepted { created_at: now }; items.len()]);
    }
    // One order for all writers, so that two batches with the same keys wait for each other instead of deadlocking.
    keyed.sort_by_key(|(item, idempotency)| (item.user, &idempotency.key));
    let reserved = sqlx::query!(
        "INSERT IGNORE INTO idempotency_keys
             (user_id, kind, idem_key, fingerprint, job_id, created_at)
         SELECT UNHEX(REPLACE(r.user, '-', '')), ?, r.name, UNHEX(r.fingerprint),
                UNHEX(REPLACE(r.job, '-', '')), ?
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             user CHAR(36) PATH '$.user', job CHAR(36) PATH '$.job',
             name VARCHAR(128) CHARACTER SET ascii PATH '$.name',
             fingerprint CHAR(64) PATH '$.fingerprint')) AS r",
        kind,
        now,
        json_rows(&rows(&keyed))?,
    )
    .execute(&mut *conn)
    .await?;
    if usize::try_from(reserved.rows_affected()) == Ok(keyed.len()) {
        // Each key is new.
        return Ok(vec![Submitted::Accepted { created_at: now }; items.len()]);
    }

    let mut query = QueryBuilder::new(
        "SELECT user_id, idem_key, fingerprint, job_id FROM idempotency_keys WHERE kind = ",
    );
    query.push_bind(kind).push(" AND ");
    let keys = keyed.iter().map(|(item, idempotency)| (item.user, idempotency.key.as_str()));
    bind_pairs(&mut query, ("user_id", "idem_key"), keys);
    let holders: Vec<Holder> = query.build_query_as().fetch_all(&mut *conn).await?;
    let running = find_running(&mut *conn, items, &holders).await?;
    let mut holders: HashMap<(UserId, String), Holder> = holders
        .into_iter()
        .map(|holder| ((holder.user_id, holder.idem_key.clone()), holder))
        .collect();
    let mut over = Vec::new();
    let mut submitted = Vec::new();
    for item in items {
        submitted.push(decide(item, &holders, &running, now));
        if let (Some(Submitted::Accepted { .. }), Some(asked)) =
            (submitted.last(), &item.idempotency)
        {
            let holder = holders.get_mut(&(item.user, asked.key.clone()));
            if let Some(holder) = holder.filter(|holder| holder.job_id != item.id) {
                holder.job_id = item.id;
                over.push((item, asked));
            }
        }
    }
    take_over(conn, kind, &over, now).await?;
    Ok(submitted)
}

/// Finds the jobs that still hold keys which last no longer than the job; those of this very batch among them.
async fn find_running(
    conn: &mut MySqlConnection,
    items: &[NewJob],
    holders: &[Holder],
) -> Result<HashSet<JobId>, sqlx::Error> {
    let mut running: HashSet<JobId> = items.iter().map(|item| item.id).collect();
    let lasting: HashSet<&str> = items
        .iter()
        .filter_map(|item| item.idempotency.as_ref())
        .filter(|asked| asked.lasts == Lasts::WhileRunning)
        .map(|asked| asked.key.as_str())
        .collect();
    let earlier: Vec<JobId> = holders
        .iter()
        .filter(|holder| lasting.contains(holder.idem_key.as_str()))
        .map(|holder| holder.job_id)
        .filter(|id| !running.contains(id))
        .collect();
    if !earlier.is_empty() {
        let mut query =
            QueryBuilder::new("SELECT id FROM jobs WHERE finished_at IS NULL AND id IN ");
        bind_list(&mut query, earlier.into_iter());
        running.extend(query.build_query_scalar::<JobId>().fetch_all(conn).await?);
    }
    Ok(running)
}

/// Reassigns keys whose jobs have ended to new jobs. The rows are locked already, by `INSERT IGNORE`.
async fn take_over(
    conn: &mut MySqlConnection,
    kind: &str,
    over: &[(&NewJob, &Idempotency)],
    now: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    if over.is_empty() {
        return Ok(());
    }
    let update = sqlx::query!(
        "INSERT INTO idempotency_keys
             (user_id, kind, idem_key, fingerprint, job_id, created_at)
         SELECT UNHEX(REPLACE(r.user, '-', '')), ?, r.name, UNHEX(r.fingerprint),
                UNHEX(REPLACE(r.job, '-', '')), ?
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             user CHAR(36) PATH '$.user', job CHAR(36) PATH '$.job',
             name VARCHAR(128) CHARACTER SET ascii PATH '$.name',
             fingerprint CHAR(64) PATH '$.fingerprint')) AS r
         ON DUPLICATE KEY UPDATE job_id = VALUES(job_id), created_at = VALUES(created_at)",
        kind,
        now,
        json_rows(&rows(over))?,
    );
    update.execute(conn).await.map(drop)
}

/// A key as a statement reads it.
#[derive(Serialize)]
struct Row<'a> {
    user: UserId,
    job: JobId,
    name: &'a str,
    fingerprint: String,
}

fn rows<'a>(keyed: &[(&'a NewJob, &'a Idempotency)]) -> Vec<Row<'a>> {
    let row = |(item, asked): &(&'a NewJob, &'a Idempotency)| Row {
        user: item.user,
        job: item.id,
        name: &asked.key,
        fingerprint: hex::encode(asked.fingerprint),
    };
    keyed.iter().map(row).collect()
}

/// Job that holds an idempotency key, and the fingerprint of its request.
#[derive(Debug, FromRow)]
struct Holder {
    user_id: UserId,
    idem_key: String,
    fingerprint: Vec<u8>,
    job_id: JobId,
}

/// Distinguishes a first request, a repetition, and a key reused for another request.
fn decide(
    item: &NewJob,
    holders: &HashMap<(UserId, String), Holder>,
    running: &HashSet<JobId>,
    created_at: OffsetDateTime,
) -> Submitted {
    let held = item
        .idempotency
        .as_ref()
        .and_then(|asked| Some((asked, holders.get(&(item.user, asked.key.clone()))?)));
    match held {
        Some((_, holder)) if holder.job_id == item.id => Submitted::Accepted { created_at },
        Some((asked, holder))
            if asked.lasts == Lasts::WhileRunning && !running.contains(&holder.job_id) =>
        {
            Submitted::Accepted { created_at }
        }
        Some((asked, holder)) if holder.fingerprint == asked.fingerprint => {
            Submitted::Repeated(holder.job_id)
        }
        Some(_) => Submitted::KeyReused,
        None => Submitted::Accepted { created_at },
    }
}
