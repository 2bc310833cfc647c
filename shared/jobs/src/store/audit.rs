//! The audit of the queue: messages that vanished behind our back are noticed, and only those are published again.
//!
//! The queue is first in, first out. So if it holds `n` messages, these are the `n` that were published last, and a row
//! published before them that nobody has taken has lost its message. Messages that a worker holds and has not claimed yet
//! look lost for a moment; therefore a row must look lost twice.

use std::collections::HashSet;

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use toneup_platform::database::{bind_list, bind_pairs};

use super::transitions::{self, NewTransition, Transition};
use crate::job::JobId;

/// Most rows that one audit looks at, and repairs.
const LOOK: u32 = 20_000;
/// Rows repaired with one statement.
const AT_ONCE: usize = 256;

/// A row whose message should be in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromRow)]
pub struct Published {
    /// The job.
    pub id: JobId,
    /// The number of its publication.
    pub publish_seq: u32,
    /// Attempts made before.
    pub attempt: u16,
}

/// The rows that looked lost at the last audit. Cheap: empty unless messages are missing.
#[derive(Debug, Default)]
pub struct Suspects(HashSet<Published>);

impl Suspects {
    /// Compares `published`, the latest first, with the number of messages ready in the queue; returns what has looked
    /// lost twice.
    pub fn find_lost(&mut self, published: &[Published], ready: u32) -> Vec<Published> {
        let ready = usize::try_from(ready).unwrap_or(usize::MAX);
        let missing = published.get(ready..).unwrap_or_default();
        let (lost, suspects): (Vec<Published>, Vec<Published>) =
            missing.iter().partition(|row| self.0.contains(row));
        self.0 = suspects.into_iter().collect();
        lost
    }
}

/// The database's time.
pub async fn now(conn: &mut MySqlConnection) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT NOW(3) AS "now: OffsetDateTime""#).fetch_one(conn).await
}

/// Counts the queued jobs of a kind that are not held: each has a message, or will have one soon.
pub async fn count_waiting(conn: &mut MySqlConnection, kind: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT (SELECT COUNT(*) FROM jobs WHERE kind = ? AND status = 'queued')
                - (SELECT COUNT(*) FROM held_jobs WHERE kind = ?) AS "waiting!: i64""#,
        kind,
        kind
    )
    .fetch_one(conn)
    .await
}

/// Lists the jobs of a kind with a message confirmed before `before` that nobody has taken, the latest first. What was confirmed after the
/// messages were counted must not be held against that count.
pub async fn list_published(
    conn: &mut MySqlConnection,
    kind: &str,
    before: OffsetDateTime,
) -> Result<Vec<Published>, sqlx::Error> {
    sqlx::query_as!(
        Published,
        r#"SELECT id AS "id: JobId", publish_seq, attempt FROM jobs
           WHERE kind = ? AND status = 'queued' AND published_at <= ?
           ORDER BY published_at DESC, id DESC LIMIT ?"#,
        kind,
        before,
        LOOK
    )
    .fetch_all(conn)
    .await
}

/// Makes lost rows due; the sweep publishes them. A row that moved on since is left alone. How many were
/// repaired. In the caller's transaction.
pub async fn mark_lost(conn: &mut MySqlConnection, lost: &[Published]) -> Result<u64, sqlx::Error> {
    let mut repaired = 0;
    for some in lost.chunks(AT_ONCE) {
        let mut query = QueryBuilder::new(
            "SELECT id, publish_seq, attempt FROM jobs
             WHERE status = 'queued' AND published_at IS NOT NULL AND ",
        );
        let pairs = some.iter().map(|row| (row.id, row.publish_seq));
        bind_pairs(&mut query, ("id", "publish_seq"), pairs);
        query.push(" FOR UPDATE");
        let still: Vec<Published> = query.build_query_as().fetch_all(&mut *conn).await?;
        if still.is_empty() {
            continue;
        }
        let mut query = QueryBuilder::new(
            "UPDATE jobs SET publish_due = NOW(3), published_at = NULL WHERE id IN ",
        );
        bind_list(&mut query, still.iter().map(|row| row.id));
        repaired += query.build().execute(&mut *conn).await?.rows_affected();
        let entries: Vec<NewTransition> = still
            .iter()
            .map(|row| NewTransition::new(row.id, row.attempt, Transition::MessageLost))
            .collect();
        transitions::record(&mut *conn, &entries).await?;
    }
    Ok(repaired)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: u32) -> Vec<Published> {
        (0..count)
            .map(|publish_seq| Published { id: JobId::generate(), publish_seq, attempt: 0 })
            .collect()
    }

    #[test]
    fn a_whole_queue_accuses_nobody() {
        let (published, mut suspects) = (rows(3), Suspects::default());
        for _ in 0..3 {
            assert_eq!(suspects.find_lost(&published, 3), []);
            assert_eq!(
                suspects.find_lost(&published, 7),
                [],
                "stale messages hide nothing for ever"
            );
        }
    }

    #[test]
    fn what_is_missing_twice_is_lost_and_only_that() {
        let (published, mut suspects) = (rows(5), Suspects::default());
        assert_eq!(suspects.find_lost(&published, 3), []);
        assert_eq!(suspects.find_lost(&published, 3), published[3..]);
        // Once told, it is looked at afresh.
        assert_eq!(suspects.find_lost(&published, 3), []);
    }

    #[test]
    fn what_was_claimed_in_between_is_not_lost() {
        let (published, mut suspects) = (rows(5), Suspects::default());
        assert_eq!(suspects.find_lost(&published, 0), []);
        assert_eq!(suspects.find_lost(&published[..2], 2), []);
        assert_eq!(suspects.find_lost(&published[..2], 0), [], "the suspicion had ended");
    }
}
