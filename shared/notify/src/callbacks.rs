//! Callbacks: targets of one subject's events alone, whose address came with the subject. They are made with the first event.

use serde::Serialize;
use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, json_rows};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::deliveries::{NewDelivery, insert};
use super::{ChannelKind, TargetId};

/// An event to call back about.
#[derive(Debug, Clone, Serialize)]
pub struct Callback {
    /// Owner of the subject.
    pub user: UserId,
    /// Name of the event.
    pub event: &'static str,
    /// Identifier of the event's subject, and of the target.
    pub subject: Uuid,
    /// URL to call: printable ASCII, at most 2048 characters.
    pub address: String,
}

/// Creates the targets of these callbacks, unless they exist from an earlier event, and the deliveries, in the caller's
/// transaction.
pub async fn call_back(
    conn: &mut MySqlConnection,
    callbacks: &[Callback],
) -> Result<(), sqlx::Error> {
    if callbacks.is_empty() {
        return Ok(());
    }
    // The hash is of the target's own: any number of subjects may name one address.
    sqlx::query(
        "INSERT IGNORE INTO push_targets (id, user_id, channel, address, address_hash, created_at)
         SELECT UNHEX(REPLACE(r.id, '-', '')), UNHEX(REPLACE(r.user, '-', '')), ?, r.address,
                UNHEX(SHA2(CONCAT(r.address, r.id), 256)), NOW(3)
         FROM JSON_TABLE(?, '$[*]' COLUMNS (
             id CHAR(36) PATH '$.subject', user CHAR(36) PATH '$.user',
             address VARCHAR(2048) PATH '$.address')) AS r",
    )
    .bind(ChannelKind::Callback.as_str())
    .bind(json_rows(callbacks)?)
    .execute(&mut *conn)
    .await?;
    let delivery = |callback: &Callback| {
        NewDelivery::new(TargetId(callback.subject), callback.event, Some(callback.subject))
    };
    let deliveries: Vec<NewDelivery> = callbacks.iter().map(delivery).collect();
    insert(conn, &deliveries).await
}

/// Deletes the callbacks of some subjects, if they have any; what was not sent never is.
pub async fn forget_all(
    conn: &mut MySqlConnection,
    subjects: impl Iterator<Item = Uuid>,
) -> Result<(), sqlx::Error> {
    let mut delete = QueryBuilder::new("DELETE FROM push_targets WHERE channel = ");
    delete.push_bind(ChannelKind::Callback.as_str()).push(" AND id IN ");
    bind_list(&mut delete, subjects);
    delete.build().execute(conn).await.map(drop)
}
