//! The timer in the table: rows whose `publish_due` has passed, and what the sweep makes of each.

use std::time::Duration;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use super::finish::{Finish, Guard};
use super::history::{self, Entry, Kind};
use super::outcome::{AnalysisError, Outcome};
use super::{AnalysisId, Status, UserId};
use crate::database::{bind_list, bind_pairs, micros};
use crate::queue::publisher::Publication;

/// Most rows one look takes.
const LOOK: u32 = 256;

/// What a look takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything that is due.
    All,
    /// Only what needs no broker: while it is away, what is to be published stays due, and is found at once when it is
    /// back.
    WithoutPublishing,
}

/// What is to be done about the rows that were due.
#[derive(Debug, Default)]
pub struct Due {
    /// Publish these again.
    pub publications: Vec<Publication>,
    /// End these.
    pub finishes: Vec<Finish>,
}

impl Due {
    /// Whether nothing was due.
    pub fn is_empty(&self) -> bool {
        self.publications.is_empty() && self.finishes.is_empty()
    }
}

/// A due row under its lock; times are compared by the database's clock.
#[derive(Debug, Clone, FromRow)]
struct Row {
    id: AnalysisId,
    user_id: UserId,
    status: Status,
    attempt: u16,
    publish_seq: u32,
    traceparent: Option<String>,
    overdue: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Due to be published: never confirmed, or a retry's backoff is over.
    Publish,
    /// Its worker is gone: queue it again, then publish.
    Requeue,
    /// Its worker is gone and so was the last attempt.
    Exhausted,
    /// Its deadline passed.
    Overdue,
}

/// The rule of the sweep. A running row is due only when its lease has expired, since every renewal moves `publish_due`.
fn judge(row: &Row, max_attempts: u16) -> Verdict {
    if row.overdue {
        Verdict::Overdue
    } else if row.status == Status::Queued {
        Verdict::Publish
    } else if row.attempt < max_attempts {
        Verdict::Requeue
    } else {
        Verdict::Exhausted
    }
}

/// Takes the rows that are due, in the caller's transaction: pushes each `grace` into the future, so that no other
/// replica takes it meanwhile, and says what to do once this is committed. Rows that another replica looks at are skipped.
pub async fn take_due(
    conn: &mut MySqlConnection,
    scope: Scope,
    grace: Duration,
    max_attempts: u16,
) -> Result<Due, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, user_id, status, attempt, publish_seq, traceparent,
                COALESCE(deadline <= NOW(3), FALSE) AS overdue
         FROM analyses WHERE publish_due <= NOW(3)",
    );
    if scope == Scope::WithoutPublishing {
        query.push(" AND (status <> 'queued' OR deadline <= NOW(3))");
    }
    query.push(" ORDER BY publish_due LIMIT ").push_bind(LOOK);
    query.push(" FOR UPDATE SKIP LOCKED");
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
    if rows.is_empty() {
        return Ok(Due::default());
    }
    let mut query = QueryBuilder::new("UPDATE analyses SET publish_due = NOW(3) + INTERVAL ");
    query
        .push_bind(micros(grace))
        .push(" MICROSECOND, publish_seq = publish_seq + 1, published_at = NULL");
    query.push(" WHERE id IN ");
    bind_list(&mut query, rows.iter().map(|row| row.id));
    query.build().execute(&mut *conn).await?;

    let gone: Vec<Entry> = rows
        .iter()
        .filter(|row| judge(row, max_attempts) == Verdict::Requeue)
        .map(|row| Entry::new(row.id, row.attempt, Kind::LeaseExpired))
        .collect();
    if !gone.is_empty() {
        let mut query = QueryBuilder::new(
            "UPDATE analyses SET status = 'queued', version = version + 1, lease_token = NULL,
                    lease_expires_at = NULL WHERE id IN ",
        );
        bind_list(&mut query, gone.iter().map(|entry| entry.analysis));
        query.build().execute(&mut *conn).await?;
        history::write(conn, &gone).await?;
    }

    let mut due = Due::default();
    for row in rows {
        match judge(&row, max_attempts) {
            Verdict::Publish | Verdict::Requeue => due.publications.push(row.publication()),
            Verdict::Exhausted => due.finishes.push(row.finish(Outcome::Failed(exhausted()))),
            Verdict::Overdue => due.finishes.push(row.finish(Outcome::Expired)),
        }
    }
    Ok(due)
}

/// The error of a job that ran out of attempts without a failure of its own to show.
pub fn exhausted() -> AnalysisError {
    AnalysisError::retryable(
        "ATTEMPTS_EXHAUSTED",
        "The analysis could not be completed in several attempts. Please try again later.",
    )
}

impl Row {
    fn publication(&self) -> Publication {
        Publication {
            analysis: self.id,
            attempt: self.attempt,
            sequence: self.publish_seq + 1,
            trace: self.traceparent.as_deref().and_then(|t| t.parse().ok()).unwrap_or_default(),
        }
    }

    fn finish(&self, outcome: Outcome) -> Finish {
        Finish { analysis: self.id, user: self.user_id, guard: Guard::Unowned, outcome }
    }
}

/// Notes confirmed publishes: these rows rest until their deadline, if they have one. Should the queue lose the message,
/// the audit finds the row. The sequence guards against a row that became due again since.
pub async fn note_published(
    conn: &mut MySqlConnection,
    confirmed: &[(AnalysisId, u32)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "UPDATE analyses SET published_at = NOW(3), publish_due = deadline
         WHERE status = 'queued' AND ",
    );
    bind_pairs(&mut query, ("id", "publish_seq"), confirmed.iter().copied());
    query.build().execute(conn).await.map(drop)
}

/// Makes rows due whose publish did not succeed, so that the sweep need not wait out their grace. The sequence guards
/// against a row that moved on since.
pub async fn note_unpublished(
    conn: &mut MySqlConnection,
    refused: &[(AnalysisId, u32)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "UPDATE analyses SET publish_due = NOW(3)
         WHERE status = 'queued' AND published_at IS NULL AND ",
    );
    bind_pairs(&mut query, ("id", "publish_seq"), refused.iter().copied());
    query.build().execute(conn).await.map(drop)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row(status: Status, attempt: u16) -> Row {
        Row {
            id: AnalysisId::generate(),
            user_id: UserId(Uuid::now_v7()),
            status,
            attempt,
            publish_seq: 7,
            traceparent: None,
            overdue: false,
        }
    }

    #[test]
    fn what_is_due_depends_on_state_attempts_and_deadline() {
        assert_eq!(judge(&row(Status::Queued, 3), 3), Verdict::Publish);
        assert_eq!(judge(&row(Status::Running, 2), 3), Verdict::Requeue);
        assert_eq!(judge(&row(Status::Running, 3), 3), Verdict::Exhausted);
        assert_eq!(judge(&Row { overdue: true, ..row(Status::Running, 3) }, 3), Verdict::Overdue);
    }

    #[test]
    fn a_repeated_publication_carries_the_new_sequence() {
        assert_eq!(row(Status::Queued, 0).publication().sequence, 8);
    }
}
