//! Fairness between users: at most a *share* of each user's jobs has messages in the broker or is running; the others
//! are held in the database, and are released as earlier ones end. So a thousand jobs of one user delay another's first
//! job by one share, not by a thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, bind_pairs, json_rows, micros};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::broker::message::Publication;
use crate::job::JobId;
use crate::kind::Kind;

/// Most users examined by one search for free shares.
const USERS: u32 = 256;

/// Number of a user's unfinished jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Active {
    /// Jobs in the broker or running.
    pub moving: u32,
    /// Jobs held in the database.
    pub held: u32,
}

impl Active {
    /// Sum of moving and held jobs.
    pub fn total(self) -> u32 {
        self.moving + self.held
    }
}

/// The unfinished jobs of users at a moment.
#[derive(Debug, Clone)]
pub struct ActiveJobs {
    /// The database's time of the count.
    pub now: OffsetDateTime,
    /// By user; who has none is left out.
    pub by_user: BTreeMap<UserId, Active>,
}

#[derive(Debug, FromRow)]
struct Count {
    now: OffsetDateTime,
    /// None in the row that is there for the time alone.
    user_id: Option<UserId>,
    /// Not finished, those held back included.
    unfinished: i64,
    held: i64,
}

/// Counts the unfinished jobs of a kind by user, with one statement.
pub async fn count_active(
    conn: &mut MySqlConnection,
    kind: &str,
    users: &BTreeSet<UserId>,
) -> Result<ActiveJobs, sqlx::Error> {
    // Left to itself, MariaDB reads the whole history of each user, which is in the order of the groups.
    let mut query = QueryBuilder::new(
        "SELECT NOW(3) AS now, NULL AS user_id, 0 AS unfinished, 0 AS held
         UNION ALL
         SELECT NOW(3), user_id, COUNT(*), 0 FROM jobs FORCE INDEX (jobs_active)
         WHERE finished_at IS NULL AND user_id IN ",
    );
    bind_list(&mut query, users.iter().copied());
    query.push(" AND kind = ").push_bind(kind).push(
        " GROUP BY user_id
         UNION ALL
         SELECT NOW(3), user_id, 0, COUNT(*) FROM held_jobs WHERE kind = ",
    );
    query.push_bind(kind).push(" AND user_id IN ");
    bind_list(&mut query, users.iter().copied());
    query.push(" GROUP BY user_id");
    let counts: Vec<Count> = query.build_query_as().fetch_all(conn).await?;
    let now = counts.first().map(|count| count.now).ok_or(sqlx::Error::RowNotFound)?;
    let mut by_user: BTreeMap<UserId, Active> = BTreeMap::new();
    for Count { user_id, unfinished, held, .. } in counts {
        if let Some(user) = user_id {
            let active = by_user.entry(user).or_default();
            active.moving += u32::try_from(unfinished).unwrap_or(u32::MAX);
            active.held += u32::try_from(held).unwrap_or(u32::MAX);
        }
    }
    for active in by_user.values_mut() {
        active.moving = active.moving.saturating_sub(active.held);
    }
    Ok(ActiveJobs { now, by_user })
}

/// Holds jobs of a kind until earlier ones of their owners have ended.
pub(super) async fn hold(
    conn: &mut MySqlConnection,
    kind: &str,
    held: &[(UserId, JobId)],
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        user: UserId,
        job: JobId,
    }
    if held.is_empty() {
        return Ok(());
    }
    let rows: Vec<Row> = held.iter().map(|(user, job)| Row { user: *user, job: *job }).collect();
    let insert = sqlx::query!(
        "INSERT INTO held_jobs (kind, user_id, job_id)
         SELECT ?, UNHEX(REPLACE(r.user, '-', '')), UNHEX(REPLACE(r.job, '-', ''))
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             user CHAR(36) PATH '$.user', job CHAR(36) PATH '$.job')) AS r",
        kind,
        json_rows(&rows)?,
    );
    insert.execute(conn).await.map(drop)
}

/// Lists the held jobs of a kind, in order of submission within each user.
pub async fn list_held(
    conn: &mut MySqlConnection,
    kind: &str,
    limit: u32,
) -> Result<Vec<(UserId, JobId)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT user_id, job_id FROM held_jobs WHERE kind = ? ORDER BY user_id, job_id LIMIT ?",
    )
    .bind(kind)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Releases the oldest held jobs of users, up to each user's `room`, in the caller's transaction. The returned
/// publications are to be published after the commit; unconfirmed ones are published again, like everything due.
pub(super) async fn release(
    conn: &mut MySqlConnection,
    kind: &'static str,
    room: &BTreeMap<UserId, u32>,
    grace: Duration,
) -> Result<Vec<Publication>, sqlx::Error> {
    // Nearly always nobody holds anything, which costs one look at an index.
    let holders = filter_holders(&mut *conn, kind, room.keys().copied()).await?;
    if holders.is_empty() {
        return Ok(Vec::new());
    }
    // A bound for each user: one over all would let those with the lowest ids take it up.
    let mut query = QueryBuilder::new("");
    let mut parts = query.separated(" UNION ALL ");
    for (user, most) in room.iter().filter(|(user, _)| holders.contains(user)) {
        parts.push("(SELECT user_id, job_id FROM held_jobs WHERE kind = ");
        parts.push_bind_unseparated(kind).push_unseparated(" AND user_id = ");
        parts.push_bind_unseparated(*user).push_unseparated(" ORDER BY job_id LIMIT ");
        parts.push_bind_unseparated(*most).push_unseparated(")");
    }
    let oldest: Vec<(UserId, JobId)> = query.build_query_as().fetch_all(&mut *conn).await?;
    if oldest.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("SELECT user_id, job_id FROM held_jobs WHERE kind = ");
    query.push_bind(kind).push(" AND ");
    bind_pairs(&mut query, ("user_id", "job_id"), oldest.into_iter());
    query.push(" ORDER BY user_id, job_id FOR UPDATE SKIP LOCKED");
    let held: Vec<(UserId, JobId)> = query.build_query_as().fetch_all(&mut *conn).await?;
    let next = next_of(&held, room);
    if next.is_empty() {
        return Ok(Vec::new());
    }
    unhold(conn, kind, &next).await?;
    let mut query = QueryBuilder::new("UPDATE jobs SET publish_due = NOW(3) + INTERVAL ");
    query.push_bind(micros(grace)).push(" MICROSECOND, publish_seq = publish_seq + 1");
    query.push(" WHERE status = 'queued' AND id IN ");
    bind_list(&mut query, next.iter().map(|(_, job)| *job));
    query.build().execute(&mut *conn).await?;

    let mut query = QueryBuilder::new(
        "SELECT id, attempt, publish_seq, traceparent FROM jobs
         WHERE status = 'queued' AND id IN ",
    );
    bind_list(&mut query, next.iter().map(|(_, job)| *job));
    let rows: Vec<Released> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| row.publication(kind)).collect())
}

/// Those of `users`, of whom there is at least one, who have held jobs of a kind.
async fn filter_holders(
    conn: &mut MySqlConnection,
    kind: &str,
    users: impl Iterator<Item = UserId>,
) -> Result<BTreeSet<UserId>, sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT DISTINCT user_id FROM held_jobs WHERE kind = ");
    query.push_bind(kind).push(" AND user_id IN ");
    bind_list(&mut query, users);
    let holders: Vec<UserId> = query.build_query_scalar().fetch_all(conn).await?;
    Ok(holders.into_iter().collect())
}

#[derive(Debug, FromRow)]
struct Released {
    id: JobId,
    attempt: u16,
    publish_seq: u32,
    traceparent: Option<String>,
}

impl Released {
    fn publication(self, kind: &'static str) -> Publication {
        Publication {
            job: self.id,
            kind,
            attempt: self.attempt,
            sequence: self.publish_seq,
            trace: self.traceparent.and_then(|text| text.parse().ok()).unwrap_or_default(),
        }
    }
}

/// Selects held jobs in order, up to each user's room.
fn next_of(held: &[(UserId, JobId)], room: &BTreeMap<UserId, u32>) -> Vec<(UserId, JobId)> {
    let mut left = room.clone();
    let fits = |(user, _): &&(UserId, JobId)| match left.get_mut(user) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    };
    held.iter().filter(fits).copied().collect()
}

/// Removes the hold of jobs of a kind.
pub(super) async fn unhold(
    conn: &mut MySqlConnection,
    kind: &str,
    held: &[(UserId, JobId)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("DELETE FROM held_jobs WHERE kind = ");
    query.push_bind(kind).push(" AND ");
    bind_pairs(&mut query, ("user_id", "job_id"), held.iter().copied());
    query.build().execute(conn).await.map(drop)
}

/// Returns those of the candidates that are held.
pub(super) async fn find_held(
    conn: &mut MySqlConnection,
    kind: &str,
    candidates: &[(UserId, JobId)],
) -> Result<Vec<(UserId, JobId)>, sqlx::Error> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("SELECT user_id, job_id FROM held_jobs WHERE kind = ");
    query.push_bind(kind).push(" AND ");
    bind_pairs(&mut query, ("user_id", "job_id"), candidates.iter().copied());
    query.build_query_as().fetch_all(conn).await
}

/// Releases jobs of a kind where shares have room, in the caller's transaction: the share has grown, or a release was
/// missed because the last job of a user ended while the next was being held.
pub async fn release_room(
    conn: &mut MySqlConnection,
    kind: &Kind,
    grace: Duration,
) -> Result<Vec<Publication>, sqlx::Error> {
    let holders = list_holders(&mut *conn, kind.name).await?;
    if holders.is_empty() {
        return Ok(Vec::new());
    }
    let active = count_active(&mut *conn, kind.name, &holders).await?;
    let room = room_of(&active.by_user, kind.share.get());
    if room.is_empty() {
        return Ok(Vec::new());
    }
    // Rarely reached. One replica at a time for each user: two that count at once would both release.
    let users: BTreeSet<UserId> = room.into_keys().collect();
    lock_first(&mut *conn, kind.name, &users).await?;
    let active = count_active(&mut *conn, kind.name, &users).await?;
    let room = room_of(&active.by_user, kind.share.get());
    if room.is_empty() {
        return Ok(Vec::new());
    }
    release(conn, kind.name, &room, grace).await
}

/// Lists users who have held jobs of a kind, from a random point on and then from the beginning, so that no user is
/// always left out while more of them hold jobs than one search examines.
async fn list_holders(
    conn: &mut MySqlConnection,
    kind: &str,
) -> Result<BTreeSet<UserId>, sqlx::Error> {
    let ends: (Option<Uuid>, Option<Uuid>) =
        sqlx::query_as("SELECT MIN(user_id), MAX(user_id) FROM held_jobs WHERE kind = ?")
            .bind(kind)
            .fetch_one(&mut *conn)
            .await?;
    let (Some(first), Some(last)) = ends else { return Ok(BTreeSet::new()) };
    let start = Uuid::from_u128(rand::random_range(first.as_u128()..=last.as_u128()));
    let mut holders = BTreeSet::new();
    for from in [start, first] {
        let left = USERS.saturating_sub(u32::try_from(holders.len()).unwrap_or(USERS));
        let found: Vec<(UserId,)> = sqlx::query_as(
            "SELECT DISTINCT user_id FROM held_jobs WHERE kind = ? AND user_id >= ?
             ORDER BY user_id LIMIT ?",
        )
        .bind(kind)
        .bind(from)
        .bind(left)
        .fetch_all(&mut *conn)
        .await?;
        holders.extend(found.into_iter().map(|(user,)| user));
    }
    Ok(holders)
}

/// Locks the first held job of each user, waiting for others that release their jobs.
async fn lock_first(
    conn: &mut MySqlConnection,
    kind: &str,
    users: &BTreeSet<UserId>,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT user_id, MIN(job_id) FROM held_jobs WHERE kind = ");
    query.push_bind(kind).push(" AND user_id IN ");
    bind_list(&mut query, users.iter().copied());
    query.push(" GROUP BY user_id");
    let first: Vec<(UserId, JobId)> = query.build_query_as().fetch_all(&mut *conn).await?;
    if first.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("SELECT job_id FROM held_jobs WHERE kind = ");
    query.push_bind(kind).push(" AND ");
    bind_pairs(&mut query, ("user_id", "job_id"), first.into_iter());
    query.push(" ORDER BY user_id, job_id FOR UPDATE");
    query.build().execute(conn).await.map(drop)
}

/// Computes the number of further jobs that may be released, for each user with any.
fn room_of(active: &BTreeMap<UserId, Active>, share: u32) -> BTreeMap<UserId, u32> {
    active
        .iter()
        .map(|(user, active)| (*user, share.saturating_sub(active.moving)))
        .filter(|(_, room)| *room > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_users_oldest_follow_as_far_as_there_is_room() {
        let (alice, bob, carol) =
            (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
        let ids: Vec<JobId> = (0..5).map(|_| JobId::generate()).collect();
        let held =
            [(alice, ids[0]), (alice, ids[1]), (alice, ids[2]), (bob, ids[3]), (carol, ids[4])];
        let room = BTreeMap::from([(alice, 2), (bob, 9)]);
        assert_eq!(next_of(&held, &room), [(alice, ids[0]), (alice, ids[1]), (bob, ids[3])]);
    }
}
