//! Settlement of send attempts: writes the outcomes to deliveries, attempts and targets, for many targets at a time. A
//! sender that lost its lease changes nothing; its deliveries are sent again, with the same ids.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::Serialize;
use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::deliveries::{self, NewDelivery};
use super::{ChannelKind, DeliveryId, TargetId, WEBHOOK_DISABLED};
use toneup_platform::database::{Database, bind_list, json_rows, micros, padded, retry_deadlock};
use toneup_platform::identity::UserId;

/// Most characters of an error that are stored.
const ERROR_LIMIT: usize = 200;

/// Outcome of one turn at a target.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Identifier of the target.
    pub target: TargetId,
    /// Token of the lease under which the deliveries were sent.
    pub token: Uuid,
    /// Attempts made in this turn.
    pub attempts: Vec<Attempt>,
    /// Health of the target as far as the turn shows.
    pub health: Health,
    /// Time for which nothing is sent to the target, even if due.
    pub rest: Option<Duration>,
}

/// Outcome of one attempt at one delivery.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Identifier of the delivery.
    pub delivery: DeliveryId,
    /// Number of the attempt, from 1.
    pub number: u16,
    /// HTTP status of the response; `None` if there was none.
    pub status: Option<u16>,
    /// Description of the failure; `None` after a success.
    pub error: Option<String>,
    /// Duration of the attempt.
    pub duration: Duration,
    /// Resulting state of the delivery.
    pub next: Next,
}

/// State of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Delivered: the receiver accepted it.
    Delivered,
    /// To be retried after this delay.
    Retry(Duration),
    /// Given up: no attempt follows.
    Failed,
}

/// Health of a target as far as a turn shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Reached by at least one attempt.
    Working,
    /// Not reached by any attempt.
    Failing,
    /// Unknown: nothing was sent.
    Unknown,
    /// Disabled by the receiver, for this reason, which its owner is shown.
    Disabled(&'static str),
    /// Answers, but refuses every request. One that does so for too long is deleted.
    Refusing,
    /// Gone for good: the target is deleted.
    Gone,
}

/// Reason of a target that was disabled because it failed for too long.
pub const WORN_OUT: &str = "failing";

#[derive(Debug, FromRow)]
struct Row {
    id: TargetId,
    user_id: UserId,
    channel: String,
    lease_token: Option<Uuid>,
    worn_out: bool,
}

/// Settles a batch in a transaction of its own. A target that fails for longer than `patience` is disabled. Returns for
/// each whether its lease was still valid.
pub async fn commit_settle(
    pool: &Database,
    batch: &[Settlement],
    patience: Duration,
) -> Result<Vec<bool>, sqlx::Error> {
    retry_deadlock(|| pool.in_batch(async |conn| settle(conn, batch, patience).await)).await
}

/// Settles a batch in the caller's transaction; see [`commit_settle`].
pub async fn settle(
    conn: &mut MySqlConnection,
    batch: &[Settlement],
    patience: Duration,
) -> Result<Vec<bool>, sqlx::Error> {
    let rows = lock_targets(conn, batch, patience).await?;
    let holds = |item: &Settlement| {
        rows.get(&item.target).is_some_and(|row| row.lease_token == Some(item.token))
    };
    let held: Vec<bool> = batch.iter().map(holds).collect();
    let won: Vec<&Settlement> = batch.iter().filter(|item| holds(item)).collect();
    if won.is_empty() {
        return Ok(held);
    }
    let attempts: Vec<&Attempt> = won.iter().flat_map(|item| &item.attempts).collect();
    end_deliveries(conn, "delivered", &attempts, Next::Delivered).await?;
    end_deliveries(conn, "failed", &attempts, Next::Failed).await?;
    put_off(conn, &attempts).await?;
    log_attempts(conn, &attempts).await?;

    let is_worn_out = |item: &&Settlement| rows.get(&item.target).is_some_and(|row| row.worn_out);
    let mut disabled: Vec<(&Row, &str)> = Vec::new();
    for item in &won {
        let reason = match item.health {
            Health::Disabled(reason) => reason,
            Health::Failing if is_worn_out(item) => WORN_OUT,
            _ => continue,
        };
        disabled.extend(rows.get(&item.target).map(|row| (row, reason)));
    }
    release(conn, &won).await?;
    disable(conn, &disabled).await?;
    let is_gone = |item: &&Settlement| {
        item.health == Health::Gone || (item.health == Health::Refusing && is_worn_out(item))
    };
    let gone = won.iter().copied().filter(is_gone).map(|item| item.target).collect();
    forget(conn, &gone).await?;
    Ok(held)
}

async fn lock_targets(
    conn: &mut MySqlConnection,
    batch: &[Settlement],
    patience: Duration,
) -> Result<HashMap<TargetId, Row>, sqlx::Error> {
    let mut query = QueryBuilder::new(
        "SELECT id, user_id, channel, lease_token, COALESCE(failing_since <= NOW(3) - INTERVAL ",
    );
    query.push_bind(micros(patience)).push(" MICROSECOND, FALSE) AS worn_out");
    query.push(" FROM push_targets WHERE id IN ");
    bind_list(&mut query, batch.iter().map(|item| item.target));
    query.push(" ORDER BY id FOR UPDATE");
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

async fn end_deliveries(
    conn: &mut MySqlConnection,
    state: &str,
    attempts: &[&Attempt],
    next: Next,
) -> Result<(), sqlx::Error> {
    let ended: Vec<DeliveryId> = attempts
        .iter()
        .filter(|attempt| attempt.next == next)
        .map(|attempt| attempt.delivery)
        .collect();
    if ended.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("UPDATE push_deliveries SET state = ");
    query.push_bind(state);
    query.push(", due_at = NULL, ended_at = NOW(3), attempt = attempt + 1 WHERE id IN ");
    bind_list(&mut query, ended.into_iter());
    query.build().execute(conn).await.map(drop)
}

/// Postpones deliveries, each by its own delay.
async fn put_off(conn: &mut MySqlConnection, attempts: &[&Attempt]) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        delivery: DeliveryId,
        /// Pause before the next attempt, in microseconds.
        pause: i64,
    }
    let pauses: Vec<(DeliveryId, Duration)> = attempts
        .iter()
        .filter_map(|attempt| match attempt.next {
            Next::Retry(pause) => Some((attempt.delivery, pause)),
            Next::Delivered | Next::Failed => None,
        })
        .collect();
    if pauses.is_empty() {
        return Ok(());
    }
    let row = |(delivery, pause): &(DeliveryId, Duration)| Row {
        delivery: *delivery,
        pause: micros(*pause),
    };
    let rows: Vec<Row> = pauses.iter().map(row).collect();
    let update = sqlx::query!(
        "UPDATE push_deliveries d
         JOIN JSON_TABLE(?, '$[*]' COLUMNS (
             delivery CHAR(36) PATH '$.delivery', pause BIGINT PATH '$.pause')) AS r
             ON d.id = UNHEX(REPLACE(r.delivery, '-', ''))
         SET d.attempt = d.attempt + 1, d.due_at = NOW(3) + INTERVAL r.pause MICROSECOND",
        json_rows(&rows)?,
    );
    update.execute(conn).await.map(drop)
}

async fn log_attempts(
    conn: &mut MySqlConnection,
    attempts: &[&Attempt],
) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        delivery: DeliveryId,
        number: u16,
        status: Option<u16>,
        error: Option<String>,
        duration: u32,
    }
    if attempts.is_empty() {
        return Ok(());
    }
    let row = |attempt: &&Attempt| Row {
        delivery: attempt.delivery,
        number: attempt.number,
        status: attempt.status,
        error: attempt.error.as_ref().map(|error| error.chars().take(ERROR_LIMIT).collect()),
        duration: u32::try_from(attempt.duration.as_millis()).unwrap_or(u32::MAX),
    };
    let rows: Vec<Row> = attempts.iter().map(row).collect();
    let insert = sqlx::query!(
        "INSERT INTO push_attempts (delivery_id, attempt, status, error, duration_ms, created_at)
         SELECT UNHEX(REPLACE(r.delivery, '-', '')), r.number, r.status, r.error, r.duration, NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             delivery CHAR(36) PATH '$.delivery', number SMALLINT UNSIGNED PATH '$.number',
             status SMALLINT UNSIGNED PATH '$.status',
             error VARCHAR(200) CHARACTER SET utf8mb4 PATH '$.error',
             duration INT UNSIGNED PATH '$.duration')) AS r",
        json_rows(&rows)?,
    );
    insert.execute(conn).await.map(drop)
}

/// Releases the leases. A target is due with its next delivery, but not before its rest is over.
async fn release(conn: &mut MySqlConnection, won: &[&Settlement]) -> Result<(), sqlx::Error> {
    #[derive(Serialize)]
    struct Row {
        target: TargetId,
        /// Pause before the next delivery, in microseconds.
        rest: Option<i64>,
        /// Microseconds of Unix time.
        due: Option<i64>,
        health: &'static str,
    }
    let due = next_due(conn, won).await?;
    let row = |item: &&Settlement| Row {
        target: item.target,
        rest: item.rest.map(micros),
        due: due.get(&item.target).copied().map(unix_micros),
        health: match item.health {
            Health::Working => "working",
            Health::Failing | Health::Refusing => "failing",
            Health::Unknown | Health::Disabled(_) | Health::Gone => "unknown",
        },
    };
    let rows: Vec<Row> = won.iter().map(row).collect();
    let update = sqlx::query!(
        "UPDATE push_targets t
         JOIN JSON_TABLE(?, '$[*]' COLUMNS (
             target CHAR(36) PATH '$.target', rest BIGINT PATH '$.rest', due BIGINT PATH '$.due',
             health VARCHAR(10) PATH '$.health')) AS r
             ON t.id = UNHEX(REPLACE(r.target, '-', ''))
         SET t.lease_token = NULL,
             t.held_until = NOW(3) + INTERVAL r.rest MICROSECOND,
             t.due_at = IF(t.disabled_at IS NULL,
                           GREATEST(TIMESTAMP('1970-01-01') + INTERVAL r.due MICROSECOND,
                                    NOW(3) + INTERVAL COALESCE(r.rest, 0) MICROSECOND), NULL),
             t.failing_since = CASE r.health WHEN 'working' THEN NULL
                                   WHEN 'failing' THEN COALESCE(t.failing_since, NOW(3))
                                   ELSE t.failing_since END",
        json_rows(&rows)?,
    );
    update.execute(conn).await.map(drop)
}

fn unix_micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// Finds the due time of each target's next delivery; targets without pending ones are left out.
async fn next_due(
    conn: &mut MySqlConnection,
    won: &[&Settlement],
) -> Result<HashMap<TargetId, OffsetDateTime>, sqlx::Error> {
    let mut query = QueryBuilder::new("");
    let mut parts = query.separated(" UNION ALL ");
    for target in padded(won.iter().map(|item| item.target)) {
        // Deliveries that have ended come first in the index: begin behind them.
        parts.push("(SELECT target_id, due_at FROM push_deliveries WHERE target_id = ");
        parts.push_bind_unseparated(target);
        parts.push_unseparated(" AND due_at > '2000-01-01' ORDER BY due_at LIMIT 1)");
    }
    let rows: Vec<(TargetId, OffsetDateTime)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Disables targets, and notifies their owners' other webhooks of disabled webhooks. Pending deliveries are kept in
/// case the owner enables the target again.
async fn disable(conn: &mut MySqlConnection, disabled: &[(&Row, &str)]) -> Result<(), sqlx::Error> {
    for (row, reason) in disabled {
        sqlx::query!(
            "UPDATE push_targets SET disabled_at = NOW(3), disabled_reason = ?, due_at = NULL,
                    held_until = NULL WHERE id = ?",
            reason,
            row.id,
        )
        .execute(&mut *conn)
        .await?;
    }
    let kind = ChannelKind::Webhook.as_str();
    for (row, _) in disabled.iter().filter(|(row, _)| row.channel == kind) {
        let others = sqlx::query_scalar!(
            r#"SELECT id AS "id: TargetId" FROM push_targets
               WHERE user_id = ? AND channel = ? AND disabled_at IS NULL"#,
            row.user_id,
            kind,
        )
        .fetch_all(&mut *conn)
        .await?;
        let notice = |other| NewDelivery::new(other, WEBHOOK_DISABLED, Some(row.id.0));
        let notices: Vec<NewDelivery> = others.into_iter().map(notice).collect();
        deliveries::insert(&mut *conn, &notices).await?;
    }
    Ok(())
}

/// Deletes targets that are gone; their deliveries are purged with the others.
async fn forget(conn: &mut MySqlConnection, gone: &HashSet<TargetId>) -> Result<(), sqlx::Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("DELETE FROM push_targets WHERE id IN ");
    bind_list(&mut query, gone.iter().copied());
    query.build().execute(conn).await.map(drop)
}
