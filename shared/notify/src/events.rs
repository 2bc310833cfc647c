//! Event log: the changes of a user's resources, numbered without gaps. Every push channel reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, json_rows, micros, padded};
use toneup_platform::identity::UserId;
use uuid::Uuid;

/// An event to append.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent {
    /// User whose log it is appended to.
    pub user: UserId,
    /// Name, e.g. `analysis.succeeded`: at most 40 ASCII characters.
    pub name: &'static str,
    /// Identifier of the event's subject.
    pub subject: Uuid,
}

/// An entry of a user's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Sequence number, without gaps per user.
    pub sequence: u64,
    /// Name, e.g. `analysis.succeeded`.
    pub name: String,
    /// Identifier of the event's subject.
    pub subject: Uuid,
}

/// Locks users' sequences in order of id and returns the numbers of their latest events. Creates the row of a user
/// without events.
pub async fn lock(
    conn: &mut MySqlConnection,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, u64>, sqlx::Error> {
    let found = lock_existing(&mut *conn, users).await?;
    if found.len() == users.len() {
        return Ok(found);
    }
    let missing: Vec<&UserId> = users.iter().filter(|user| !found.contains_key(user)).collect();
    sqlx::query!(
        "INSERT IGNORE INTO event_sequences (user_id, last)
         SELECT UNHEX(REPLACE(r.user, '-', '')), 0
         FROM JSON_TABLE(?, '$[*]' COLUMNS (user CHAR(36) PATH '$')) AS r",
        json_rows(&missing)?,
    )
    .execute(&mut *conn)
    .await?;
    lock_existing(conn, users).await
}

async fn lock_existing(
    conn: &mut MySqlConnection,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, u64>, sqlx::Error> {
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query =
        QueryBuilder::new("SELECT user_id, last FROM event_sequences WHERE user_id IN ");
    bind_list(&mut query, users.iter().copied());
    query.push(" ORDER BY user_id FOR UPDATE");
    let rows: Vec<(UserId, u64)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Appends events in the caller's transaction, which has locked the sequences of their users before ([`lock`]).
pub async fn append(conn: &mut MySqlConnection, events: &[NewEvent]) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        user: UserId,
        /// Place among the user's new events, from 1.
        place: u64,
        name: &'static str,
        subject: Uuid,
    }
    if events.is_empty() {
        return Ok(());
    }
    let mut counts: BTreeMap<UserId, u64> = BTreeMap::new();
    let row = |event: &NewEvent| {
        let place = counts.entry(event.user).or_default();
        *place += 1;
        Row { user: event.user, place: *place, name: event.name, subject: event.subject }
    };
    let rows: Vec<Row> = events.iter().map(row).collect();
    sqlx::query!(
        "INSERT INTO events (user_id, seq, name, subject_id, created_at)
         SELECT s.user_id, s.last + r.place, r.name, UNHEX(REPLACE(r.subject, '-', '')), NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             user CHAR(36) PATH '$.user', place BIGINT UNSIGNED PATH '$.place',
             name VARCHAR(40) PATH '$.name', subject CHAR(36) PATH '$.subject')) AS r
         JOIN event_sequences s ON s.user_id = UNHEX(REPLACE(r.user, '-', ''))",
        json_rows(&rows)?,
    )
    .execute(&mut *conn)
    .await?;
    // Nearly always one event of each user.
    let mut by_count: BTreeMap<u64, Vec<UserId>> = BTreeMap::new();
    for (user, count) in counts {
        by_count.entry(count).or_default().push(user);
    }
    for (count, users) in by_count {
        let mut query = QueryBuilder::new("UPDATE event_sequences SET last = last + ");
        query.push_bind(count).push(" WHERE user_id IN ");
        bind_list(&mut query, users.into_iter());
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Returns the number of a user's latest event; 0 before the first.
pub async fn last_event(conn: &mut MySqlConnection, user: UserId) -> Result<u64, sqlx::Error> {
    let sequence = sqlx::query_scalar!("SELECT last FROM event_sequences WHERE user_id = ?", user)
        .fetch_optional(conn)
        .await?;
    Ok(sequence.unwrap_or_default())
}

/// Returns the numbers of users' latest events; users without any are left out.
pub async fn last_events(
    conn: &mut MySqlConnection,
    users: &[UserId],
) -> Result<BTreeMap<UserId, u64>, sqlx::Error> {
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query =
        QueryBuilder::new("SELECT user_id, last FROM event_sequences WHERE user_id IN ");
    bind_list(&mut query, users.iter().copied());
    let rows: Vec<(UserId, u64)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Range of the events kept in a user's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSpan {
    /// Number of the oldest event that is kept; `None` if none is.
    pub oldest: Option<u64>,
    /// Number of the latest event; 0 before the first.
    pub latest: u64,
}

impl LogSpan {
    /// True if all events after `sequence` are kept, so that a reader misses none.
    pub fn continues(self, sequence: u64) -> bool {
        sequence == self.latest
            || self
                .oldest
                .is_some_and(|oldest| (oldest..=self.latest).contains(&sequence.saturating_add(1)))
    }

    /// Number after which all remaining events follow.
    pub fn start(self) -> u64 {
        self.oldest.map_or(self.latest, |oldest| oldest.saturating_sub(1))
    }
}

/// Finds the range of a user's log.
pub async fn find_log_span(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<LogSpan, sqlx::Error> {
    let span = sqlx::query!(
        "SELECT last, (SELECT MIN(seq) FROM events WHERE user_id = ?) AS oldest
         FROM event_sequences WHERE user_id = ?",
        user,
        user,
    )
    .fetch_optional(conn)
    .await?;
    Ok(span.map_or(LogSpan { oldest: None, latest: 0 }, |span| LogSpan {
        oldest: span.oldest,
        latest: span.last,
    }))
}

/// Lists a user's events after `sequence`, in order.
pub async fn list_after(
    conn: &mut MySqlConnection,
    user: UserId,
    sequence: u64,
    limit: u32,
) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as!(
        Event,
        r#"SELECT seq AS sequence, name, subject_id AS "subject: Uuid" FROM events
           WHERE user_id = ? AND seq > ? ORDER BY seq LIMIT ?"#,
        user,
        sequence,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Lists the events of several users, of each those after a sequence number, in order; at most `limit` of all together.
pub async fn list_after_each(
    conn: &mut MySqlConnection,
    seen: &BTreeMap<UserId, u64>,
    limit: u32,
) -> Result<Vec<(UserId, Event)>, sqlx::Error> {
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("SELECT user_id, seq, name, subject_id FROM events WHERE (");
    let mut any = query.separated(" OR ");
    for (user, sequence) in padded(seen.iter()) {
        any.push("(user_id = ").push_bind_unseparated(*user);
        any.push_unseparated(" AND seq > ").push_bind_unseparated(*sequence);
        any.push_unseparated(")");
    }
    query.push(") ORDER BY user_id, seq LIMIT ").push_bind(limit);
    let rows: Vec<(UserId, u64, String, Uuid)> = query.build_query_as().fetch_all(conn).await?;
    let event = |(user, sequence, name, subject)| (user, Event { sequence, name, subject });
    Ok(rows.into_iter().map(event).collect())
}

/// Finds the number of the latest event about `subject`.
pub async fn find_latest_of(
    conn: &mut MySqlConnection,
    subject: Uuid,
) -> Result<Option<u64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT seq FROM events WHERE subject_id = ? ORDER BY seq DESC LIMIT 1",
        subject
    )
    .fetch_optional(conn)
    .await
}

/// Finds the numbers of the latest events about `subjects`; those without any are left out.
pub async fn find_latest_of_all(
    conn: &mut MySqlConnection,
    subjects: impl Iterator<Item = Uuid>,
) -> Result<BTreeMap<Uuid, u64>, sqlx::Error> {
    let subjects: Vec<Uuid> = subjects.collect();
    if subjects.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT subject_id, MAX(seq) FROM events FORCE INDEX (events_subject) WHERE subject_id IN ",
    );
    bind_list(&mut query, subjects.into_iter());
    query.push(" GROUP BY subject_id");
    let rows: Vec<(Uuid, u64)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Deletes all events about `subjects`, of which there must be some.
pub async fn forget(
    conn: &mut MySqlConnection,
    subjects: impl Iterator<Item = Uuid>,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("DELETE FROM events WHERE subject_id IN ");
    bind_list(&mut query, subjects);
    query.build().execute(conn).await.map(drop)
}

/// Deletes at most `limit` events that are older than `retention`; returns their number.
pub async fn purge(
    conn: &mut MySqlConnection,
    retention: Duration,
    limit: u32,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "DELETE FROM events WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
        micros(retention),
        limit
    );
    Ok(deleted.execute(conn).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_continues_where_nothing_is_missing() {
        let span = LogSpan { oldest: Some(4), latest: 9 };
        let continues: Vec<u64> = (0..12).filter(|seen| span.continues(*seen)).collect();
        assert_eq!(continues, [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(span.start(), 3);
    }

    #[test]
    fn an_empty_log_continues_its_latest_number_only() {
        let purged = LogSpan { oldest: None, latest: 9 };
        assert!(purged.continues(9) && !purged.continues(8) && !purged.continues(10));
        assert_eq!(purged.start(), 9);
        let new = LogSpan { oldest: None, latest: 0 };
        assert!(new.continues(0) && !new.continues(1));
    }
}
