//! Delivery log of a target.

use std::collections::HashMap;

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{DeliveryId, TargetId};
use toneup_platform::database::bind_list;

/// A delivery as shown to the target's owner.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Identifier of the delivery.
    pub id: DeliveryId,
    /// Name of the event.
    pub event: String,
    /// Identifier of the event's subject, if it has one.
    pub subject: Option<Uuid>,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// Number of attempts so far; later reads may return more.
    pub attempt: u16,
    /// Time of the event.
    pub created_at: OffsetDateTime,
    /// Time of the next attempt; `None` once the delivery has ended.
    pub due_at: Option<OffsetDateTime>,
    /// Time of the end; `None` while pending.
    pub ended_at: Option<OffsetDateTime>,
}

/// A recorded attempt at a delivery.
#[derive(Debug, Clone, FromRow)]
pub struct LoggedAttempt {
    /// Identifier of the delivery.
    #[sqlx(rename = "delivery_id")]
    pub delivery: DeliveryId,
    /// Number of the attempt, from 1.
    #[sqlx(rename = "attempt")]
    pub number: u16,
    /// HTTP status of the response; `None` if there was none.
    pub status: Option<u16>,
    /// Description of the failure; `None` after a success.
    pub error: Option<String>,
    /// Duration of the attempt, in milliseconds.
    pub duration_ms: u32,
    /// Time at which the attempt ended.
    pub created_at: OffsetDateTime,
}

/// Column list shared by all queries of deliveries; checked by the database at build time.
macro_rules! select_deliveries {
    ($tail:tt $(, $argument:expr)*) => {
        sqlx::query_as!(
            Logged,
            r#"SELECT id AS "id: DeliveryId", event,
                      subject_id AS "subject: Uuid", state, attempt,
                      created_at AS "created_at: OffsetDateTime",
                      due_at AS "due_at: OffsetDateTime", ended_at AS "ended_at: OffsetDateTime"
               FROM push_deliveries "#
                + $tail
            $(, $argument)*
        )
    };
}

/// Lists a target's deliveries, newest first, from just before `before`.
pub async fn list(
    conn: &mut MySqlConnection,
    target: TargetId,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<Logged>, sqlx::Error> {
    let before = before.map_or(Uuid::max(), |id| id.0);
    select_deliveries!(
        "WHERE target_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
        target,
        before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// Finds one of a target's deliveries.
pub async fn find(
    conn: &mut MySqlConnection,
    target: TargetId,
    id: DeliveryId,
) -> Result<Option<Logged>, sqlx::Error> {
    select_deliveries!("WHERE id = ? AND target_id = ?", id, target).fetch_optional(conn).await
}

/// Lists the attempts at deliveries, first to last.
pub async fn list_attempts(
    conn: &mut MySqlConnection,
    deliveries: &[DeliveryId],
) -> Result<HashMap<DeliveryId, Vec<LoggedAttempt>>, sqlx::Error> {
    let mut by_delivery: HashMap<DeliveryId, Vec<LoggedAttempt>> = HashMap::new();
    if deliveries.is_empty() {
        return Ok(by_delivery);
    }
    let mut query = QueryBuilder::new(
        "SELECT delivery_id, attempt, status, error, duration_ms, created_at
         FROM push_attempts WHERE delivery_id IN ",
    );
    bind_list(&mut query, deliveries.iter().copied());
    query.push(" ORDER BY delivery_id, attempt");
    let attempts: Vec<LoggedAttempt> = query.build_query_as().fetch_all(conn).await?;
    for attempt in attempts {
        by_delivery.entry(attempt.delivery).or_default().push(attempt);
    }
    Ok(by_delivery)
}

/// Makes a delivery due at once, whatever its state, for one more attempt.
pub async fn redeliver(
    conn: &mut MySqlConnection,
    target: TargetId,
    id: DeliveryId,
) -> Result<(), sqlx::Error> {
    // Locks the target first, in the order of `settle`.
    super::targets::make_due_now(&mut *conn, target).await?;
    sqlx::query!(
        "UPDATE push_deliveries SET state = 'pending', due_at = NOW(3), ended_at = NULL
         WHERE id = ? AND target_id = ?",
        id,
        target,
    )
    .execute(conn)
    .await
    .map(drop)
}
