//! Audit of the queue: detects messages that were lost, and republishes only those.
//!
//! The queue is first in, first out. So if it holds `n` messages fewer than there are unclaimed rows, the `n` rows that
//! were published first have lost theirs. Messages that a worker holds and has not claimed yet look lost for a moment;
//! therefore a row must look lost twice. A row has `published_at` from the confirm of its message until it is claimed.

use std::collections::HashSet;

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use toneup_platform::database::{bind_list, bind_pairs};

use super::transitions::{self, NewTransition, Transition};
use crate::job::JobId;

/// Most rows that one audit reads, and republishes.
const MOST_ROWS: u64 = 20_000;
/// Most rows republished with one statement.
const AT_ONCE: usize = 256;

/// A row whose message should be in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, FromRow)]
pub struct Published {
    /// Identifier of the job.
    pub id: JobId,
    /// Sequence number of the publication.
    pub publish_seq: u32,
    /// Number of attempts started before this one.
    pub attempt: u16,
}

/// Rows that looked lost in the last audit; empty unless messages are missing.
#[derive(Debug, Default)]
pub struct Suspects(HashSet<Published>);

impl Suspects {
    /// Returns the rows of `missing` that were missing in the last audit too.
    pub fn find_lost(&mut self, missing: &[Published]) -> Vec<Published> {
        let (lost, suspects): (Vec<Published>, Vec<Published>) =
            missing.iter().partition(|row| self.0.contains(row));
        self.0 = suspects.into_iter().collect();
        lost
    }
}

/// Current time of the database's clock.
pub async fn now(conn: &mut MySqlConnection) -> Result<OffsetDateTime, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT NOW(3) AS "now: OffsetDateTime""#).fetch_one(conn).await
}

/// Lists the rows of a kind that have no message where the queue held `ready` at the time `before`.
pub async fn find_missing(
    conn: &mut MySqlConnection,
    kind: &str,
    before: OffsetDateTime,
    ready: u32,
) -> Result<Vec<Published>, sqlx::Error> {
    match count_published(&mut *conn, kind, before).await?.saturating_sub(u64::from(ready)) {
        0 => Ok(Vec::new()),
        missing => list_oldest(conn, kind, before, missing).await,
    }
}

/// Counts the unclaimed jobs of a kind with a message confirmed before `before`. Later confirms are left out, since the
/// messages are counted after it.
pub async fn count_published(
    conn: &mut MySqlConnection,
    kind: &str,
    before: OffsetDateTime,
) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        "SELECT COUNT(*) FROM jobs FORCE INDEX (jobs_published)
         WHERE published_at <= ? AND kind = ?",
        before,
        kind
    );
    Ok(u64::try_from(count.fetch_one(conn).await?).unwrap_or_default())
}

/// Lists the `count` unclaimed jobs of a kind whose message was confirmed first, before `before`.
pub async fn list_oldest(
    conn: &mut MySqlConnection,
    kind: &str,
    before: OffsetDateTime,
    count: u64,
) -> Result<Vec<Published>, sqlx::Error> {
    sqlx::query_as!(
        Published,
        r#"SELECT id AS "id: JobId", publish_seq, attempt FROM jobs FORCE INDEX (jobs_published)
           WHERE published_at <= ? AND kind = ? ORDER BY published_at, kind, id LIMIT ?"#,
        before,
        kind,
        count.min(MOST_ROWS)
    )
    .fetch_all(conn)
    .await
}

/// Makes lost rows due, in the caller's transaction; the sweep publishes them. A row that has changed since is left
/// alone. Returns the number of rows made due.
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
    fn what_is_missing_twice_is_lost_and_only_that() {
        let (missing, mut suspects) = (rows(5), Suspects::default());
        assert_eq!(suspects.find_lost(&missing[..2]), []);
        assert_eq!(suspects.find_lost(&missing), missing[..2]);
        // A reported row starts again as unsuspected.
        assert_eq!(suspects.find_lost(&missing[..3]), missing[2..3]);
    }

    #[test]
    fn what_was_claimed_in_between_is_not_lost() {
        let (missing, mut suspects) = (rows(5), Suspects::default());
        assert_eq!(suspects.find_lost(&missing), []);
        assert_eq!(suspects.find_lost(&[]), []);
        assert_eq!(suspects.find_lost(&missing[..2]), [], "the suspicion had ended");
    }
}
