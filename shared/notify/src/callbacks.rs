//! Callbacks: targets of one subject's events alone, whose address came with the subject. They are made with the first event.

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::deliveries::{NewDelivery, insert};
use super::{ChannelKind, TargetId};

/// An event to call back about.
#[derive(Debug, Clone)]
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
    for callback in callbacks {
        // The hash is of the target's own: any number of subjects may name one address.
        let insert = sqlx::query(
            "INSERT IGNORE INTO push_targets
                 (id, user_id, channel, address, address_hash, created_at)
             VALUES (?, ?, ?, ?, UNHEX(SHA2(CONCAT(?, HEX(?)), 256)), NOW(3))",
        );
        let insert = insert.bind(callback.subject).bind(callback.user);
        let insert = insert.bind(ChannelKind::Callback.as_str()).bind(&callback.address);
        insert.bind(&callback.address).bind(callback.subject).execute(&mut *conn).await?;
    }
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
