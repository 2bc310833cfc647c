//! The timer in the table: rows whose `publish_due` has passed, and what the sweep makes of each.

use std::time::Duration;

use sqlx::{FromRow, MySqlConnection, QueryBuilder};

use super::finish::{Finish, Guard};
use super::outcome::{AnalysisError, Outcome};
use super::{AnalysisId, Status, UserId};
use crate::database::{bind_list, micros};
use crate::queue::publisher::Publication;

/// Most rows one look takes.
const LOOK: u32 = 256;

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
    grace: Duration,
    max_attempts: u16,
) -> Result<Due, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: AnalysisId", user_id AS "user_id: UserId", status AS "status: Status",
                  attempt, publish_seq, traceparent,
                  COALESCE(deadline <= NOW(3), FALSE) AS "overdue!: bool"
           FROM analyses WHERE publish_due <= NOW(3) ORDER BY publish_due LIMIT ?
           FOR UPDATE SKIP LOCKED"#,
        LOOK
    )
    .fetch_all(&mut *conn)
    .await?;
    if rows.is_empty() {
        return Ok(Due::default());
    }
    let mut query = QueryBuilder::new("UPDATE analyses SET publish_due = NOW(3) + INTERVAL ");
    query.push_bind(micros(grace)).push(" MICROSECOND, publish_seq = publish_seq + 1 WHERE id IN ");
    bind_list(&mut query, rows.iter().map(|row| row.id));
    query.build().execute(&mut *conn).await?;

    let gone: Vec<AnalysisId> = rows
        .iter()
        .filter(|row| judge(row, max_attempts) == Verdict::Requeue)
        .map(|row| row.id)
        .collect();
    if !gone.is_empty() {
        let mut query = QueryBuilder::new(
            "UPDATE analyses SET status = 'queued', version = version + 1, lease_token = NULL,
                    lease_expires_at = NULL WHERE id IN ",
        );
        bind_list(&mut query, gone.into_iter());
        query.build().execute(conn).await?;
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

/// Notes confirmed publishes: these rows rest until their deadline, or until `again_after`, when a message that is still
/// waiting is published once more, should the queue have lost it. The sequence guards against a row that became due again
/// since.
pub async fn note_published(
    conn: &mut MySqlConnection,
    confirmed: &[(AnalysisId, u32)],
    again_after: Duration,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("UPDATE analyses SET publish_due = LEAST(");
    query.push("COALESCE(deadline, NOW(3) + INTERVAL ").push_bind(micros(again_after));
    query.push(" MICROSECOND), NOW(3) + INTERVAL ").push_bind(micros(again_after));
    query.push(" MICROSECOND) WHERE status = 'queued' AND (");
    let mut any = query.separated(" OR ");
    for (analysis, sequence) in confirmed {
        any.push("(id = ").push_bind_unseparated(*analysis);
        any.push_unseparated(" AND publish_seq = ").push_bind_unseparated(*sequence);
        any.push_unseparated(")");
    }
    query.push(")");
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
