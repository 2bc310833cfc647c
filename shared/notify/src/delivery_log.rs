//! The delivery log of a target.

use std::collections::HashMap;

use sqlx::types::time::OffsetDateTime;
use sqlx::{FromRow, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{DeliveryId, TargetId};
use toneup_platform::database::bind_list;

/// A delivery as its target's owner sees it.
#[derive(Debug, Clone)]
pub struct Logged {
    /// Its identity.
    pub id: DeliveryId,
    /// The name of the event.
    pub event: String,
    /// The id of what it is about.
    pub subject: Option<Uuid>,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// Attempts so far; those that are read later may be more.
    pub attempt: u16,
    /// When it became true.
    pub created_at: OffsetDateTime,
    /// When it is sent next; `None` when it has ended.
    pub due_at: Option<OffsetDateTime>,
    /// When it ended.
    pub ended_at: Option<OffsetDateTime>,
}

/// An attempt as it was written.
#[derive(Debug, Clone, FromRow)]
pub struct LoggedAttempt {
    /// At which delivery.
    #[sqlx(rename = "delivery_id")]
    pub delivery: DeliveryId,
    /// Which, from 1.
    #[sqlx(rename = "attempt")]
    pub number: u16,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// How long it took.
    pub duration_ms: u32,
    /// When it was over.
    pub created_at: OffsetDateTime,
}

/// One list of columns for every way of finding deliveries; checked by the database at build time.
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

/// Makes a delivery due at once, whatever became of it before; one more attempt.
pub async fn redeliver(
    conn: &mut MySqlConnection,
    target: TargetId,
    id: DeliveryId,
) -> Result<(), sqlx::Error> {
    // The target first, as whoever settles does.
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
