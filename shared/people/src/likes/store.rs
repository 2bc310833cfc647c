//! Likes in the database.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, bind_pairs, json_rows};
use toneup_platform::identity::UserId;

use super::fold::{Ask, Folded, Like, Liked, Wish, fold};
use super::target::{Target, TargetKind};
use crate::ranking::hotness;

/// Counters whose rows the transaction has locked.
type Counters = HashMap<Target, Counter>;

#[derive(Debug, Clone, Copy, FromRow)]
struct Counter {
    target_id: u64,
    likes: u32,
    born_at: u64,
}

/// A like as a statement reads it.
#[derive(Serialize)]
struct Row {
    /// Place in the batch.
    n: usize,
    t: u64,
    u: String,
}

/// Grants wishes about targets that exist, in their order, in the caller's transaction; returns what each is told, `None`
/// where the target has gone, and the likes that are new.
pub async fn apply_resolved(
    conn: &mut MySqlConnection,
    asks: &[Ask],
) -> Result<(Vec<Option<Liked>>, Vec<Like>), sqlx::Error> {
    let counters = lock_counters(&mut *conn, asks).await?;
    let present = find_present(&mut *conn, asks).await?;
    let counts = counters.iter().map(|(target, counter)| (*target, counter.likes)).collect();
    let folded = fold(asks, &counts, &present);
    write(conn, &folded, &counters).await?;
    Ok((folded.told, folded.added))
}

async fn write(
    conn: &mut MySqlConnection,
    folded: &Folded,
    counters: &Counters,
) -> Result<(), sqlx::Error> {
    for kind in TargetKind::ALL {
        let of_kind = |likes: &[Like]| -> Vec<Like> {
            likes.iter().copied().filter(|(target, _)| target.kind == kind).collect()
        };
        let removed = of_kind(&folded.removed);
        let deleted = delete(&mut *conn, kind, &removed).await?;
        let added = of_kind(&folded.added);
        let inserted = insert(&mut *conn, kind, &added).await?;
        // Under the counters' locks nobody else changes these rows: what was read is what has changed.
        if deleted != removed.len() || inserted != added.len() {
            return Err(sqlx::Error::Protocol(format!(
                "likes: {inserted} of {} written, {deleted} of {} deleted",
                added.len(),
                removed.len()
            )));
        }
    }
    write_counts(conn, folded, counters).await
}

/// Locks the counters of all targets, in order.
async fn lock_counters(conn: &mut MySqlConnection, asks: &[Ask]) -> Result<Counters, sqlx::Error> {
    let mut counters = Counters::new();
    for kind in TargetKind::ALL {
        let numbers: BTreeSet<u64> = asks
            .iter()
            .filter(|ask| ask.target.kind == kind)
            .map(|ask| ask.target.number)
            .collect();
        if numbers.is_empty() {
            continue;
        }
        let mut query = QueryBuilder::new(
            "SELECT target_id, likes, born_at FROM content_counters WHERE kind = ",
        );
        query.push_bind(kind.as_str()).push(" AND target_id IN ");
        bind_list(&mut query, numbers.into_iter());
        query.push(" ORDER BY target_id FOR UPDATE");
        let rows: Vec<Counter> = query.build_query_as().fetch_all(&mut *conn).await?;
        let target = |row: &Counter| Target { kind, number: row.target_id };
        counters.extend(rows.into_iter().map(|row| (target(&row), row)));
    }
    Ok(counters)
}

/// Of the likes that are asked about, those that are there.
async fn find_present(
    conn: &mut MySqlConnection,
    asks: &[Ask],
) -> Result<HashSet<Like>, sqlx::Error> {
    let mut present = HashSet::new();
    for kind in TargetKind::ALL {
        let asked: HashSet<Like> = asks
            .iter()
            .filter(|ask| ask.target.kind == kind)
            .map(|ask| (ask.target, ask.user))
            .collect();
        if asked.is_empty() {
            continue;
        }
        let found: Vec<(u64, UserId)> = sqlx::query_as(
            "SELECT l.target_id, l.user_id
             FROM JSON_TABLE(?, '$[*]' COLUMNS (
                 t BIGINT UNSIGNED PATH '$.t', u CHAR(32) PATH '$.u')) AS r
             STRAIGHT_JOIN likes l
                 ON l.kind = ? AND l.target_id = r.t AND l.user_id = UNHEX(r.u)",
        )
        .bind(json_rows(&rows(asked))?)
        .bind(kind.as_str())
        .fetch_all(&mut *conn)
        .await?;
        let like = |(number, user)| (Target { kind, number }, user);
        present.extend(found.into_iter().map(like));
    }
    Ok(present)
}

async fn insert(
    conn: &mut MySqlConnection,
    kind: TargetKind,
    likes: &[Like],
) -> Result<usize, sqlx::Error> {
    if likes.is_empty() {
        return Ok(0);
    }
    let insert = sqlx::query!(
        "INSERT IGNORE INTO likes (kind, target_id, user_id, created_at)
         SELECT ?, r.t, UNHEX(r.u), NOW(6) + INTERVAL r.n MICROSECOND
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             n INT UNSIGNED PATH '$.n', t BIGINT UNSIGNED PATH '$.t', u CHAR(32) PATH '$.u')) AS r",
        kind.as_str(),
        json_rows(&rows(likes.iter().copied()))?,
    );
    Ok(usize::try_from(insert.execute(conn).await?.rows_affected()).unwrap_or(usize::MAX))
}

async fn delete(
    conn: &mut MySqlConnection,
    kind: TargetKind,
    likes: &[Like],
) -> Result<usize, sqlx::Error> {
    if likes.is_empty() {
        return Ok(0);
    }
    let mut query = QueryBuilder::new("DELETE FROM likes WHERE kind = ");
    query.push_bind(kind.as_str()).push(" AND ");
    let pairs = likes.iter().map(|(target, user)| (target.number, *user));
    bind_pairs(&mut query, ("target_id", "user_id"), pairs);
    let deleted = query.build().execute(conn).await?.rows_affected();
    Ok(usize::try_from(deleted).unwrap_or(usize::MAX))
}

fn rows(likes: impl IntoIterator<Item = Like>) -> Vec<Row> {
    let hex = |user: UserId| user.0.simple().to_string();
    let row = |(n, (target, user)): (usize, Like)| Row { n, t: target.number, u: hex(user) };
    likes.into_iter().enumerate().map(row).collect()
}

async fn write_counts(
    conn: &mut MySqlConnection,
    folded: &Folded,
    counters: &Counters,
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Count {
        k: &'static str,
        t: u64,
        l: u32,
        h: u64,
    }
    let count = |(target, likes): (&Target, &u32)| {
        let hotness = match target.kind {
            TargetKind::Post => hotness(counters[target].born_at, *likes),
            TargetKind::Comment | TargetKind::Product => 0,
        };
        Count { k: target.kind.as_str(), t: target.number, l: *likes, h: hotness }
    };
    let rows: Vec<Count> = folded.counts.iter().map(count).collect();
    if rows.is_empty() {
        return Ok(());
    }
    // The rows are there, and locked.
    sqlx::query!(
        "INSERT INTO content_counters (kind, target_id, likes, hotness)
         SELECT r.k, r.t, r.l, r.h
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             k VARCHAR(7) CHARACTER SET ascii PATH '$.k', t BIGINT UNSIGNED PATH '$.t',
             l INT UNSIGNED PATH '$.l', h BIGINT UNSIGNED PATH '$.h')) AS r
         ON DUPLICATE KEY UPDATE likes = VALUES(likes), hotness = VALUES(hotness)",
        json_rows(&rows)?,
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Takes back a user's likes, `most` at a time; returns how many, 0 when none are left.
pub async fn erase_of_user(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let mut erased = 0;
    for kind in TargetKind::ALL {
        let numbers: Vec<u64> = sqlx::query_scalar!(
            "SELECT target_id FROM likes FORCE INDEX (likes_of_user)
             WHERE user_id = ? AND kind = ? LIMIT ?",
            user,
            kind.as_str(),
            most
        )
        .fetch_all(&mut *conn)
        .await?;
        let ask = |number| Ask { target: Target { kind, number }, user, wish: Wish::Unlike };
        let asks: Vec<Ask> = numbers.into_iter().map(ask).collect();
        if asks.is_empty() {
            continue;
        }
        let (told, _) = apply_resolved(&mut *conn, &asks).await?;
        // Of a target that has gone, the like is left.
        let left = asks.iter().zip(&told).filter(|(_, told)| told.is_none());
        let left: Vec<Like> = left.map(|(ask, _)| (ask.target, ask.user)).collect();
        delete(&mut *conn, kind, &left).await?;
        erased += asks.len();
    }
    Ok(u64::try_from(erased).unwrap_or(u64::MAX))
}
