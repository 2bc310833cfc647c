//! The event log: what happened to a user's things, numbered without gaps. Every push reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, micros};
use toneup_platform::identity::UserId;
use uuid::Uuid;

/// An event to append.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent {
    /// The user whose log it belongs to.
    pub user: UserId,
    /// Its name, e.g. `analysis.succeeded`: at most 40 ASCII characters.
    pub name: &'static str,
    /// The id of what it is about.
    pub subject: Uuid,
}

/// An entry of a user's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Its number, dense per user.
    pub sequence: u64,
    /// The id of what it is about.
    pub subject: Uuid,
}

/// Locks users' sequences in order of id and returns the numbers of their last events. A user's first event creates the
/// row.
pub async fn lock(
    conn: &mut MySqlConnection,
    users: &BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, u64>, sqlx::Error> {
    let found = lock_existing(&mut *conn, users).await?;
    if found.len() == users.len() {
        return Ok(found);
    }
    let mut query = QueryBuilder::new("INSERT IGNORE INTO event_sequences (user_id, last) ");
    let missing = users.iter().filter(|user| !found.contains_key(user));
    query.push_values(missing, |mut row, user| {
        row.push_bind(*user).push("0");
    });
    query.build().execute(&mut *conn).await?;
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

/// Appends events in the caller's transaction, which must not have locked anything that comes after the sequences.
pub async fn append(conn: &mut MySqlConnection, events: &[NewEvent]) -> Result<(), sqlx::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let users = events.iter().map(|event| event.user).collect();
    let mut last = lock(&mut *conn, &users).await?;
    let mut query =
        QueryBuilder::new("INSERT INTO events (user_id, seq, name, subject_id, created_at) ");
    query.push_values(events, |mut row, event| {
        let sequence = last.entry(event.user).or_default();
        *sequence += 1;
        row.push_bind(event.user)
            .push_bind(*sequence)
            .push_bind(event.name)
            .push_bind(event.subject)
            .push("NOW(3)");
    });
    query.build().execute(&mut *conn).await?;
    let mut query = QueryBuilder::new("UPDATE event_sequences SET last = CASE user_id");
    for (user, sequence) in &last {
        query.push(" WHEN ").push_bind(*user).push(" THEN ").push_bind(*sequence);
    }
    query.push(" ELSE last END WHERE user_id IN ");
    bind_list(&mut query, last.into_keys());
    query.build().execute(conn).await.map(drop)
}

/// The number of a user's latest event; 0 before the first.
pub async fn last_event(conn: &mut MySqlConnection, user: UserId) -> Result<u64, sqlx::Error> {
    let sequence = sqlx::query_scalar!("SELECT last FROM event_sequences WHERE user_id = ?", user)
        .fetch_optional(conn)
        .await?;
    Ok(sequence.unwrap_or_default())
}

/// The numbers of users' latest events; users without any are left out.
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

/// The span of a user's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSpan {
    /// The number of the oldest event that is kept; `None` if none is.
    pub oldest: Option<u64>,
    /// The number of the latest event; 0 before the first.
    pub latest: u64,
}

impl LogSpan {
    /// Whether everything after `sequence` is kept.
    pub fn continues(self, sequence: u64) -> bool {
        sequence == self.latest
            || self
                .oldest
                .is_some_and(|oldest| (oldest..=self.latest).contains(&sequence.saturating_add(1)))
    }

    /// The number after which everything that is left begins.
    pub fn start(self) -> u64 {
        self.oldest.map_or(self.latest, |oldest| oldest.saturating_sub(1))
    }
}

/// Finds the span of a user's log.
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
        r#"SELECT seq AS sequence, subject_id AS "subject: Uuid" FROM events
           WHERE user_id = ? AND seq > ? ORDER BY seq LIMIT ?"#,
        user,
        sequence,
        limit
    )
    .fetch_all(conn)
    .await
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
