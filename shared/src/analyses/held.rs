//! Fairness between users: of each user's analyses at most a *share* has messages in the broker or is at work; the others
//! are held in the database, and follow as earlier ones end. So a thousand jobs of one user delay another's first job by
//! one share, not by a thousand.
//!
//! The share follows what the analyzers can take: large enough that one user alone keeps them busy, and no larger.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use super::{AnalysisId, UserId};
use crate::database::{bind_list, bind_pairs, micros};
use crate::queue::publisher::Publication;

/// Most analyses one look releases, and most users it looks at.
const LOOK: u32 = 256;

/// How many analyses of one user may be in the broker or at work at once. Cheap to clone; follows the analyzers' capacity.
#[derive(Debug, Clone)]
pub struct Share(Arc<AtomicU32>);

impl Share {
    /// While nothing is known of the analyzers.
    pub const UNKNOWN: u32 = 8;
    /// However small the analyzers are.
    const LEAST: u32 = 4;

    /// How many it is now.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Follows what the analyzers take at once and how many analyses end in a second, where that is known.
    pub fn follow(&self, capacity: Option<u32>, per_second: Option<f64>) {
        self.0.store(share(capacity, per_second), Ordering::Relaxed);
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(Self::UNKNOWN)))
    }
}

/// As many as the analyzers take, as many again that are ready when these end, and those that end while a successor is on
/// its way through database and broker.
fn share(capacity: Option<u32>, per_second: Option<f64>) -> u32 {
    /// How long a successor is on its way, at worst until the next look of the sweep.
    const ON_ITS_WAY_SECONDS: f64 = 0.3;
    let Some(capacity) = capacity else { return Share::UNKNOWN };
    let passing = (per_second.unwrap_or_default() * ON_ITS_WAY_SECONDS).clamp(0.0, 1e6).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a small positive number"
    )]
    let passing = passing as u32;
    capacity.saturating_mul(2).saturating_add(passing).max(Share::LEAST)
}

/// What a user has that has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Active {
    /// In the broker or at work.
    pub moving: u32,
    /// Held back.
    pub held: u32,
}

impl Active {
    /// All of it.
    pub fn total(self) -> u32 {
        self.moving + self.held
    }
}

#[derive(Debug, FromRow)]
struct Count {
    user_id: UserId,
    count: i64,
}

/// Counts what users have that has not ended.
pub async fn count_active(
    conn: &mut MySqlConnection,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, Active>, sqlx::Error> {
    let mut active: BTreeMap<UserId, Active> = BTreeMap::new();
    // Left to itself, MariaDB reads the whole history of each user, which is in the order of the groups.
    let mut query = QueryBuilder::new(
        "SELECT user_id, COUNT(*) AS count FROM analyses FORCE INDEX (analyses_active)
         WHERE finished_at IS NULL AND user_id IN ",
    );
    bind_list(&mut query, users.iter().copied());
    query.push(" GROUP BY user_id");
    let all: Vec<Count> = query.build_query_as().fetch_all(&mut *conn).await?;
    for Count { user_id, count } in all {
        active.entry(user_id).or_default().moving = u32::try_from(count).unwrap_or(u32::MAX);
    }
    let mut query =
        QueryBuilder::new("SELECT user_id, COUNT(*) AS count FROM held_analyses WHERE user_id IN ");
    bind_list(&mut query, users.iter().copied());
    query.push(" GROUP BY user_id");
    let held: Vec<Count> = query.build_query_as().fetch_all(conn).await?;
    for Count { user_id, count } in held {
        let user = active.entry(user_id).or_default();
        user.held = u32::try_from(count).unwrap_or(u32::MAX);
        user.moving = user.moving.saturating_sub(user.held);
    }
    Ok(active)
}

/// Remembers that these wait for earlier ones of their owners.
pub(super) async fn hold(
    conn: &mut MySqlConnection,
    held: &[(UserId, AnalysisId)],
) -> Result<(), sqlx::Error> {
    if held.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("INSERT INTO held_analyses (user_id, analysis_id) ");
    query.push_values(held, |mut row, (user, analysis)| {
        row.push_bind(*user).push_bind(*analysis);
    });
    query.build().execute(conn).await.map(drop)
}

/// Lists what is held, in order of submission within each user.
pub async fn list_held(
    conn: &mut MySqlConnection,
    limit: u32,
) -> Result<Vec<(UserId, AnalysisId)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT user_id, analysis_id FROM held_analyses ORDER BY user_id, analysis_id LIMIT ?",
    )
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Releases the oldest held analyses of users, as many as each `room` says, in the caller's transaction. What it returns
/// is to be published once that is committed; like everything due, it is published again if that is not confirmed.
pub(super) async fn release(
    conn: &mut MySqlConnection,
    room: &BTreeMap<UserId, u32>,
    grace: Duration,
) -> Result<Vec<Publication>, sqlx::Error> {
    let mut query =
        QueryBuilder::new("SELECT user_id, analysis_id FROM held_analyses WHERE user_id IN ");
    bind_list(&mut query, room.keys().copied());
    query.push(" ORDER BY user_id, analysis_id LIMIT ").push_bind(LOOK);
    query.push(" FOR UPDATE SKIP LOCKED");
    let held: Vec<(UserId, AnalysisId)> = query.build_query_as().fetch_all(&mut *conn).await?;
    let next = next_of(&held, room);
    if next.is_empty() {
        return Ok(Vec::new());
    }
    forget(conn, &next).await?;
    let mut query = QueryBuilder::new("UPDATE analyses SET publish_due = NOW(3) + INTERVAL ");
    query.push_bind(micros(grace)).push(" MICROSECOND, publish_seq = publish_seq + 1");
    query.push(" WHERE status = 'queued' AND id IN ");
    bind_list(&mut query, next.iter().map(|(_, analysis)| *analysis));
    query.build().execute(&mut *conn).await?;

    let mut query = QueryBuilder::new(
        "SELECT id, attempt, publish_seq, traceparent FROM analyses
         WHERE status = 'queued' AND id IN ",
    );
    bind_list(&mut query, next.iter().map(|(_, analysis)| *analysis));
    let rows: Vec<Released> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(Released::publication).collect())
}

#[derive(Debug, FromRow)]
struct Released {
    id: AnalysisId,
    attempt: u16,
    publish_seq: u32,
    traceparent: Option<String>,
}

impl Released {
    fn publication(self) -> Publication {
        Publication {
            analysis: self.id,
            attempt: self.attempt,
            sequence: self.publish_seq,
            trace: self.traceparent.and_then(|text| text.parse().ok()).unwrap_or_default(),
        }
    }
}

/// Of what is held, in order, as many of each user's as there is room for.
fn next_of(
    held: &[(UserId, AnalysisId)],
    room: &BTreeMap<UserId, u32>,
) -> Vec<(UserId, AnalysisId)> {
    let mut left = room.clone();
    let fits = |(user, _): &&(UserId, AnalysisId)| match left.get_mut(user) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    };
    held.iter().filter(fits).copied().collect()
}

/// Forgets that these were held.
pub(super) async fn forget(
    conn: &mut MySqlConnection,
    held: &[(UserId, AnalysisId)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("DELETE FROM held_analyses WHERE ");
    bind_pairs(&mut query, ("user_id", "analysis_id"), held.iter().copied());
    query.build().execute(conn).await.map(drop)
}

/// Which of these are held.
pub(super) async fn find_held(
    conn: &mut MySqlConnection,
    candidates: &[(UserId, AnalysisId)],
) -> Result<Vec<(UserId, AnalysisId)>, sqlx::Error> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("SELECT user_id, analysis_id FROM held_analyses WHERE ");
    bind_pairs(&mut query, ("user_id", "analysis_id"), candidates.iter().copied());
    query.build_query_as().fetch_all(conn).await
}

/// Releases what has room: where the share has grown, or where a release was missed because the last analysis of a user
/// ended in the moment in which the next was held. In the caller's transaction.
pub async fn release_room(
    conn: &mut MySqlConnection,
    share: u32,
    grace: Duration,
) -> Result<Vec<Publication>, sqlx::Error> {
    let users: Vec<(UserId,)> =
        sqlx::query_as("SELECT DISTINCT user_id FROM held_analyses LIMIT ?")
            .bind(LOOK)
            .fetch_all(&mut *conn)
            .await?;
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let users: BTreeSet<UserId> = users.into_iter().map(|(user,)| user).collect();
    let room = room_of(&count_active(&mut *conn, &users).await?, share);
    if room.is_empty() {
        return Ok(Vec::new());
    }
    // Seldom from here on. One replica at a time for each user: two that count at once would both release.
    let users: BTreeSet<UserId> = room.into_keys().collect();
    let mut query = QueryBuilder::new("SELECT id FROM users WHERE id IN ");
    bind_list(&mut query, users.iter().copied());
    query.push(" ORDER BY id FOR UPDATE");
    query.build().execute(&mut *conn).await?;
    let room = room_of(&count_active(&mut *conn, &users).await?, share);
    if room.is_empty() { Ok(Vec::new()) } else { release(conn, &room, grace).await }
}

/// How many more of each user's may move, where any may.
fn room_of(active: &BTreeMap<UserId, Active>, share: u32) -> BTreeMap<UserId, u32> {
    active
        .iter()
        .map(|(user, active)| (*user, share.saturating_sub(active.moving)))
        .filter(|(_, room)| *room > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_share_keeps_the_analyzers_busy_and_a_successor_ready() {
        assert_eq!(share(None, Some(50.0)), Share::UNKNOWN);
        assert_eq!(share(Some(1), None), Share::LEAST);
        assert_eq!(share(Some(5), Some(2.0)), 11);
        assert_eq!(share(Some(5), Some(80.0)), 34);
        assert_eq!(share(Some(u32::MAX), Some(f64::INFINITY)), u32::MAX);
    }

    #[test]
    fn each_users_oldest_follow_as_far_as_there_is_room() {
        let (alice, bob, carol) =
            (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
        let ids: Vec<AnalysisId> = (0..5).map(|_| AnalysisId::generate()).collect();
        let held =
            [(alice, ids[0]), (alice, ids[1]), (alice, ids[2]), (bob, ids[3]), (carol, ids[4])];
        let room = BTreeMap::from([(alice, 2), (bob, 9)]);
        assert_eq!(next_of(&held, &room), [(alice, ids[0]), (alice, ids[1]), (bob, ids[3])]);
    }
}
