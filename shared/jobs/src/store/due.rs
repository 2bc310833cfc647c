//! Timers: rows whose `publish_due` has passed, and the action of the sweep for each.

use std::time::Duration;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use toneup_platform::database::{bind_list, bind_pairs, micros};
use toneup_platform::identity::UserId;

use super::finish::{Finish, Guard};
use super::transitions::{self, NewTransition, Transition};
use crate::broker::message::Publication;
use crate::job::{JobId, Status};
use crate::kind::{Kind, Kinds};
use crate::outcome::{JobError, Outcome};

/// Most rows that one sweep takes.
const BATCH: u32 = 256;

/// Rows that a sweep takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All rows that are due.
    All,
    /// Only rows that need no broker: while it is unavailable, rows to be published stay due, and are found at once
    /// when it is back.
    WithoutPublishing,
}

/// Actions for the rows that were due.
#[derive(Debug, Default)]
pub struct Due {
    /// Messages to publish after the commit.
    pub publications: Vec<Publication>,
    /// Jobs to end after the commit.
    pub finishes: Vec<Finish>,
}

impl Due {
    /// True if no row was due.
    pub fn is_empty(&self) -> bool {
        self.publications.is_empty() && self.finishes.is_empty()
    }
}

/// A due row under its lock; times are compared by the database's clock.
#[derive(Debug, Clone, FromRow)]
struct Row {
    id: JobId,
    kind: String,
    user_id: UserId,
    status: Status,
    attempt: u16,
    publish_seq: u32,
    traceparent: Option<String>,
    overdue: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Publish: never confirmed, or the backoff of a retry is over.
    Publish,
    /// The lease expired: requeue, then publish.
    Requeue,
    /// The lease of the last attempt expired: end as failed.
    Exhausted,
    /// The deadline has passed: end as expired.
    Overdue,
}

/// Chooses the action. A running row is due only once its lease has expired, since every renewal moves `publish_due`.
fn decide(row: &Row, kind: &Kind) -> Action {
    if row.overdue {
        Action::Overdue
    } else if row.status == Status::Queued {
        Action::Publish
    } else if row.attempt < kind.max_attempts {
        Action::Requeue
    } else {
        Action::Exhausted
    }
}

/// Takes the rows that are due, in the caller's transaction: postpones each by `grace`, so that no other replica takes
/// it meanwhile, and returns the actions to perform after the commit. Rows locked by another replica are skipped.
pub async fn take_due(
    conn: &mut MySqlConnection,
    kinds: &Kinds,
    scope: Scope,
    grace: Duration,
) -> Result<Due, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, kind, user_id, status, attempt, publish_seq, traceparent,
                COALESCE(deadline <= NOW(3), FALSE) AS overdue
         FROM jobs WHERE publish_due <= NOW(3) AND kind IN ",
    );
    bind_list(&mut query, kinds.names());
    if scope == Scope::WithoutPublishing {
        let ids = find_unpublished(&mut *conn).await?;
        if ids.is_empty() {
            return Ok(Due::default());
        }
        query.push(" AND id IN ");
        bind_list(&mut query, ids.into_iter());
    }
    query.push(" ORDER BY publish_due LIMIT ").push_bind(BATCH);
    query.push(" FOR UPDATE SKIP LOCKED");
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut *conn).await?;
    let rows: Vec<(Row, &Kind)> =
        rows.into_iter().filter_map(|row| kinds.get(&row.kind).map(|kind| (row, kind))).collect();
    if rows.is_empty() {
        return Ok(Due::default());
    }
    let mut query = QueryBuilder::new("UPDATE jobs SET publish_due = NOW(3) + INTERVAL ");
    query
        .push_bind(micros(grace))
        .push(" MICROSECOND, publish_seq = publish_seq + 1, published_at = NULL");
    query.push(" WHERE id IN ");
    bind_list(&mut query, rows.iter().map(|(row, _)| row.id));
    query.build().execute(&mut *conn).await?;

    let gone: Vec<NewTransition> = rows
        .iter()
        .filter(|(row, kind)| decide(row, kind) == Action::Requeue)
        .map(|(row, _)| NewTransition::new(row.id, row.attempt, Transition::LeaseExpired))
        .collect();
    if !gone.is_empty() {
        let mut query = QueryBuilder::new(
            "UPDATE jobs SET status = 'queued', version = version + 1, lease_token = NULL,
                    lease_expires_at = NULL WHERE id IN ",
        );
        bind_list(&mut query, gone.iter().map(|entry| entry.job));
        query.build().execute(&mut *conn).await?;
        transitions::record(conn, &gone).await?;
    }

    let mut due = Due::default();
    for (row, kind) in rows {
        match decide(&row, kind) {
            Action::Publish | Action::Requeue => due.publications.push(row.publication(kind)),
            Action::Exhausted => {
                due.finishes.push(row.finish(kind, Outcome::Failed(JobError::exhausted())));
            }
            Action::Overdue => due.finishes.push(row.finish(kind, Outcome::Expired)),
        }
    }
    Ok(due)
}

/// Finds due rows that need no broker, without locking the others: there may be very many while it is away.
async fn find_unpublished(conn: &mut MySqlConnection) -> Result<Vec<JobId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: JobId" FROM jobs
           WHERE publish_due <= NOW(3) AND (status <> 'queued' OR deadline <= NOW(3))
           ORDER BY publish_due LIMIT ?"#,
        BATCH
    )
    .fetch_all(conn)
    .await
}

impl Row {
    fn publication(&self, kind: &Kind) -> Publication {
        Publication {
            job: self.id,
            kind: kind.name,
            attempt: self.attempt,
            sequence: self.publish_seq + 1,
            trace: self.traceparent.as_deref().and_then(|t| t.parse().ok()).unwrap_or_default(),
        }
    }

    fn finish(&self, kind: &Kind, outcome: Outcome) -> Finish {
        let (guard, note) = (Guard::Unowned, None);
        Finish { job: self.id, kind: kind.name, user: self.user_id, guard, outcome, note }
    }
}

/// Records confirmed publishes: these rows are not due before their deadline, if they have one. If the queue loses the
/// message, the audit finds the row. The sequence guards against a row that became due again since.
pub async fn note_published(
    conn: &mut MySqlConnection,
    confirmed: &[(JobId, u32)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "UPDATE jobs SET published_at = NOW(3), publish_due = deadline
         WHERE status = 'queued' AND ",
    );
    bind_pairs(&mut query, ("id", "publish_seq"), confirmed.iter().copied());
    query.build().execute(conn).await.map(drop)
}

/// Makes rows due whose publish did not succeed, so that the sweep need not wait for their grace to pass. The sequence
/// guards against a row that has changed since.
pub async fn note_unpublished(
    conn: &mut MySqlConnection,
    refused: &[(JobId, u32)],
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new(
        "UPDATE jobs SET publish_due = NOW(3)
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
            id: JobId::generate(),
            kind: "test".to_owned(),
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
        let kind = Kind { max_attempts: 3, ..Kind::new("test") };
        assert_eq!(decide(&row(Status::Queued, 3), &kind), Action::Publish);
        assert_eq!(decide(&row(Status::Running, 2), &kind), Action::Requeue);
        assert_eq!(decide(&row(Status::Running, 3), &kind), Action::Exhausted);
        let overdue = Row { overdue: true, ..row(Status::Running, 3) };
        assert_eq!(decide(&overdue, &kind), Action::Overdue);
    }

    #[test]
    fn a_repeated_publication_carries_the_new_sequence() {
        assert_eq!(row(Status::Queued, 0).publication(&Kind::new("test")).sequence, 8);
    }
}
