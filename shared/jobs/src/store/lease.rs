//! Renewal and return of leases.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::{MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::transitions::{self, NewTransition, Transition};
use crate::job::{JobId, Lease};
use crate::outcome::JobError;
use toneup_platform::database::{bind_list, micros};

/// Extends leases by `duration` from now and returns those that are still valid; the others have been taken over or
/// ended.
pub async fn renew(
    conn: &mut MySqlConnection,
    leases: &[Lease],
    duration: Duration,
) -> Result<HashSet<Lease>, sqlx::Error> {
    let mut query = QueryBuilder::new("UPDATE jobs SET ");
    query.push("lease_expires_at = NOW(3) + INTERVAL ").push_bind(micros(duration));
    query.push(" MICROSECOND, publish_due = NOW(3) + INTERVAL ").push_bind(micros(duration));
    query.push(" MICROSECOND WHERE status = 'running' AND id IN ");
    bind_list(&mut query, leases.iter().map(|lease| lease.job));
    query.push(" AND lease_token IN ");
    bind_list(&mut query, leases.iter().map(|lease| lease.token));
    query.build().execute(&mut *conn).await?;
    find_valid(conn, leases).await
}

/// Returns those of `leases` that are still valid. Changes nothing and waits for no lock.
pub async fn find_valid(
    conn: &mut MySqlConnection,
    leases: &[Lease],
) -> Result<HashSet<Lease>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, attempt, lease_token FROM jobs WHERE lease_token IS NOT NULL AND id IN ",
    );
    bind_list(&mut query, leases.iter().map(|lease| lease.job));
    let rows: Vec<(JobId, u16, Uuid)> = query.build_query_as().fetch_all(conn).await?;
    let held: HashSet<Lease> =
        rows.into_iter().map(|(job, attempt, token)| Lease { job, attempt, token }).collect();
    Ok(leases.iter().filter(|lease| held.contains(lease)).copied().collect())
}

/// Requeues a job after a failed attempt, to be published after `delay`, in the caller's transaction. `false` if the
/// lease was lost.
pub async fn retry_later(
    conn: &mut MySqlConnection,
    lease: Lease,
    delay: Duration,
    failure: &JobError,
) -> Result<bool, sqlx::Error> {
    let queued = sqlx::query!(
        "UPDATE jobs SET status = 'queued', version = version + 1, lease_token = NULL,
                lease_expires_at = NULL, publish_seq = publish_seq + 1,
                publish_due = NOW(3) + INTERVAL ? MICROSECOND
         WHERE id = ? AND status = 'running' AND attempt = ? AND lease_token = ?",
        micros(delay),
        lease.job,
        lease.attempt,
        lease.token,
    )
    .execute(&mut *conn)
    .await?;
    let queued = queued.rows_affected() == 1;
    if queued {
        let entry = NewTransition::new(lease.job, lease.attempt, Transition::AttemptFailed);
        transitions::record(conn, &[NewTransition { error: Some(failure.clone()), ..entry }])
            .await?;
    }
    Ok(queued)
}

/// The message of a job that is handed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The delivery is returned to the broker, which keeps its place in the queue.
    Returned,
    /// The delivery is acknowledged, and the job is published again, at the end of the queue.
    Anew,
}

/// Requeues a job as if it had never been claimed, in the caller's transaction: the attempt was not the job's failure.
/// `false` if the lease was lost.
pub async fn hand_back(
    conn: &mut MySqlConnection,
    lease: Lease,
    message: Message,
) -> Result<bool, sqlx::Error> {
    let returned = message == Message::Returned;
    let queued = sqlx::query!(
        "UPDATE jobs SET status = 'queued', version = version + 1, attempt = attempt - 1,
                lease_token = NULL, lease_expires_at = NULL, publish_seq = publish_seq + 1,
                publish_due = IF(?, deadline, NOW(3)), published_at = IF(?, NOW(3), NULL)
         WHERE id = ? AND status = 'running' AND attempt = ? AND lease_token = ?",
        returned,
        returned,
        lease.job,
        lease.attempt,
        lease.token,
    )
    .execute(&mut *conn)
    .await?;
    let queued = queued.rows_affected() == 1;
    if queued {
        let entry = NewTransition::new(lease.job, lease.attempt, Transition::HandedBack);
        transitions::record(conn, &[entry]).await?;
    }
    Ok(queued)
}
