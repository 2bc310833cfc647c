//! Claiming of due targets and their deliveries. No other sender uses a target while its lease is valid.

use std::time::Duration;

use serde_json::Value;
use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use toneup_platform::trace::TraceParent;
use uuid::Uuid;

use super::targets::Target;
use super::{ChannelKind, DeliveryId, TargetId};
use toneup_platform::database::{bind_list, micros};

/// An event to deliver to one target.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Identifier, the same at every attempt.
    pub id: DeliveryId,
    /// Target to deliver to.
    pub target: TargetId,
    /// Name of the event.
    pub event: String,
    /// Identifier of the event's subject; `None` if there is none, as for a ping.
    pub subject: Option<Uuid>,
    /// Number of this attempt, from 1.
    pub attempt: u16,
    /// Time of the event.
    pub created_at: OffsetDateTime,
    /// Payload of the event, filled in by the sender; `None` if the subject no longer exists.
    pub payload: Option<Value>,
    /// Trace of the event's subject, filled in by the sender.
    pub trace: Option<TraceParent>,
}

/// True if a target of the channel is due.
pub async fn is_due(conn: &mut MySqlConnection, channel: ChannelKind) -> Result<bool, sqlx::Error> {
    let due = sqlx::query_scalar!(
        "SELECT 1 FROM push_targets WHERE channel = ? AND due_at <= NOW(3) LIMIT 1",
        channel.as_str(),
    );
    Ok(due.fetch_optional(conn).await?.is_some())
}

/// Counts the due targets of the channel that no sender holds.
pub async fn count_due(
    conn: &mut MySqlConnection,
    channel: ChannelKind,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM push_targets WHERE channel = ? AND due_at <= NOW(3)")
        .bind(channel.as_str())
        .fetch_one(conn)
        .await
}

/// Claims up to `most` due targets, those longest due first, in the caller's transaction: `token` holds them for
/// `lease`. Targets locked by another sender are skipped.
pub async fn take_targets(
    conn: &mut MySqlConnection,
    channel: ChannelKind,
    most: u32,
    token: Uuid,
    lease: Duration,
) -> Result<Vec<Target>, sqlx::Error> {
    let targets: Vec<Target> = sqlx::query_as(
        "SELECT id, user_id, address, secrets, description, events, failing_since, disabled_at,
                disabled_reason, created_at
         FROM push_targets WHERE channel = ? AND due_at <= NOW(3)
         ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED",
    )
    .bind(channel.as_str())
    .bind(most)
    .fetch_all(&mut *conn)
    .await?;
    if !targets.is_empty() {
        hold(conn, targets.iter().map(|target| target.id), Some(token), lease).await?;
    }
    Ok(targets)
}

/// Releases targets claimed in the same transaction, to be due again after `pause`.
pub async fn put_back(
    conn: &mut MySqlConnection,
    targets: &[TargetId],
    pause: Duration,
) -> Result<(), sqlx::Error> {
    if targets.is_empty() {
        return Ok(());
    }
    hold(conn, targets.iter().copied(), None, pause).await
}

async fn hold(
    conn: &mut MySqlConnection,
    targets: impl Iterator<Item = TargetId>,
    token: Option<Uuid>,
    time: Duration,
) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("UPDATE push_targets SET lease_token = ");
    query.push_bind(token).push(", held_until = NOW(3) + INTERVAL ").push_bind(micros(time));
    query.push(" MICROSECOND, due_at = NOW(3) + INTERVAL ").push_bind(micros(time));
    query.push(" MICROSECOND WHERE id IN ");
    bind_list(&mut query, targets);
    query.build().execute(conn).await.map(drop)
}

#[derive(Debug, FromRow)]
struct Row {
    id: DeliveryId,
    target_id: TargetId,
    event: String,
    subject_id: Option<Uuid>,
    attempt: u16,
    created_at: OffsetDateTime,
}

/// Reads the due deliveries of targets, for each at most the given number, those longest due first.
pub async fn read_due(
    conn: &mut MySqlConnection,
    targets: &[(TargetId, u32)],
) -> Result<Vec<Delivery>, sqlx::Error> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new("");
    let mut parts = query.separated(" UNION ALL ");
    for (target, most) in targets {
        parts.push(
            "(SELECT id, target_id, event, subject_id, attempt, created_at FROM push_deliveries
              WHERE target_id = ",
        );
        parts.push_bind_unseparated(*target);
        parts.push_unseparated(" AND due_at <= NOW(3) ORDER BY due_at, id LIMIT ");
        parts.push_bind_unseparated(*most).push_unseparated(")");
    }
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(Row::into_delivery).collect())
}

impl Row {
    fn into_delivery(self) -> Delivery {
        Delivery {
            id: self.id,
            target: self.target_id,
            event: self.event,
            subject: self.subject_id,
            attempt: self.attempt + 1,
            created_at: self.created_at,
            payload: None,
            trace: None,
        }
    }
}
