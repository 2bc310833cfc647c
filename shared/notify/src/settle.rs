//! Writing what came of sending: deliveries, attempts and targets, many lanes at a time. Whoever lost its lease changes
//! nothing; what it sent is sent again, with the same id.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::deliveries::{self, NewDelivery};
use super::{ChannelKind, DeliveryId, TargetId, WEBHOOK_DISABLED};
use toneup_platform::database::{Database, bind_list, micros, retry_deadlock};
use toneup_platform::identity::UserId;

/// Longest error that is kept, in characters.
const ERROR_LIMIT: usize = 200;

/// What came of one target's turn.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Which target.
    pub target: TargetId,
    /// The lease under which it was sent to.
    pub token: Uuid,
    /// What was sent.
    pub attempts: Vec<Attempt>,
    /// What that says about the target.
    pub health: Health,
    /// How long it is left alone, whatever is due.
    pub rest: Option<Duration>,
}

/// One attempt at one delivery.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Which delivery.
    pub delivery: DeliveryId,
    /// Which attempt, from 1.
    pub number: u16,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// How long it took.
    pub duration: Duration,
    /// What follows.
    pub next: Next,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it is delivered.
    Delivered,
    /// Another attempt, after this pause.
    Retry(Duration),
    /// Nothing: it is given up.
    Failed,
}

/// What a turn says about its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It was reached.
    Working,
    /// It was not.
    Failing,
    /// Nothing.
    Unknown,
    /// It wants no more; its owner is to see that.
    Disabled(&'static str),
    /// It answers, and takes nothing from us. For too long: it is forgotten.
    Refusing,
    /// It exists no more.
    Gone,
}

/// Why a target is disabled that failed for too long.
pub const WORN_OUT: &str = "failing";

#[derive(Debug, FromRow)]
struct Row {
    id: TargetId,
    user_id: UserId,
    channel: String,
    lease_token: Option<Uuid>,
    worn_out: bool,
}

/// Settles a batch with one commit. A target that fails for longer than `patience` is disabled. Answers for each whether
/// its lease still held.
pub async fn commit_settle(
    pool: &Database,
    batch: &[Settlement],
    patience: Duration,
) -> Result<Vec<bool>, sqlx::Error> {
    retry_deadlock(|| pool.in_transaction(async |conn| settle(conn, batch, patience).await)).await
}

/// Settles a batch in the caller's transaction.
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

/// Makes deliveries due again, each after a pause of its own.
async fn put_off(conn: &mut MySqlConnection, attempts: &[&Attempt]) -> Result<(), sqlx::Error> {
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
    let mut query = QueryBuilder::new(
        "UPDATE push_deliveries SET attempt = attempt + 1, due_at = NOW(3) + INTERVAL (CASE id",
    );
    for (id, pause) in &pauses {
        query.push(" WHEN ").push_bind(*id).push(" THEN ").push_bind(micros(*pause));
    }
    query.push(" ELSE 0 END) MICROSECOND WHERE id IN ");
    bind_list(&mut query, pauses.iter().map(|(id, _)| *id));
    query.build().execute(conn).await.map(drop)
}

async fn log_attempts(
    conn: &mut MySqlConnection,
    attempts: &[&Attempt],
) -> Result<(), sqlx::Error> {
    if attempts.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new(
        "INSERT INTO push_attempts (delivery_id, attempt, status, error, duration_ms, created_at) ",
    );
    query.push_values(attempts, |mut row, attempt| {
        let error = attempt.error.as_ref();
        row.push_bind(attempt.delivery)
            .push_bind(attempt.number)
            .push_bind(attempt.status)
            .push_bind(error.map(|error| error.chars().take(ERROR_LIMIT).collect::<String>()))
            .push_bind(u32::try_from(attempt.duration.as_millis()).unwrap_or(u32::MAX))
            .push("NOW(3)");
    });
    query.build().execute(conn).await.map(drop)
}

/// Ends the leases. A target is due when its next delivery is, but not before its rest is over.
async fn release(conn: &mut MySqlConnection, won: &[&Settlement]) -> Result<(), sqlx::Error> {
    let due = next_due(conn, won).await?;
    let mut query = QueryBuilder::new("UPDATE push_targets SET lease_token = NULL, held_until = ");
    query.push("CASE id");
    for item in won {
        query.push(" WHEN ").push_bind(item.target).push(" THEN NOW(3) + INTERVAL ");
        query.push_bind(item.rest.map(micros)).push(" MICROSECOND");
    }
    query.push(" END, due_at = IF(disabled_at IS NULL, CASE id");
    for item in won {
        query.push(" WHEN ").push_bind(item.target).push(" THEN GREATEST(");
        query.push_bind(due.get(&item.target).copied());
        query.push(", COALESCE(held_until, NOW(3)))");
    }
    query.push(" END, NULL), failing_since = CASE id");
    for item in won {
        query.push(" WHEN ").push_bind(item.target).push(match item.health {
            Health::Working => " THEN NULL",
            Health::Failing | Health::Refusing => " THEN COALESCE(failing_since, NOW(3))",
            Health::Unknown | Health::Disabled(_) | Health::Gone => " THEN failing_since",
        });
    }
    query.push(" END WHERE id IN ");
    bind_list(&mut query, won.iter().map(|item| item.target));
    query.build().execute(conn).await.map(drop)
}

/// When each target's next delivery is due; none where nothing waits.
async fn next_due(
    conn: &mut MySqlConnection,
    won: &[&Settlement],
) -> Result<HashMap<TargetId, OffsetDateTime>, sqlx::Error> {
    let mut query = QueryBuilder::new("");
    let mut parts = query.separated(" UNION ALL ");
    for item in won {
        // Deliveries that have ended come first in the index: begin behind them.
        parts.push("(SELECT target_id, due_at FROM push_deliveries WHERE target_id = ");
        parts.push_bind_unseparated(item.target);
        parts.push_unseparated(" AND due_at > '2000-01-01' ORDER BY due_at LIMIT 1)");
    }
    let rows: Vec<(TargetId, OffsetDateTime)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().collect())
}

/// Sends nothing more to targets, and tells their owners' other webhooks of webhooks that were disabled. What was not
/// sent stays, should the owner enable the target again.
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

/// Deletes targets that exist no more; their deliveries are purged with the others.
async fn forget(conn: &mut MySqlConnection, gone: &HashSet<TargetId>) -> Result<(), sqlx::Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::new("DELETE FROM push_targets WHERE id IN ");
    bind_list(&mut query, gone.iter().copied());
    query.build().execute(conn).await.map(drop)
}
