//! Erasing what a user was told, and where.

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;
use uuid::Uuid;

/// The tables that [`erase`] empties of a user's rows.
pub const TABLES: &[&str] =
    &["push_attempts", "push_deliveries", "push_targets", "events", "event_sequences"];

/// Erases about `most` rows of a user: deliveries before their targets, events before their sequence. Returns how many; 0
/// when none are left.
pub async fn erase(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let deliveries: Vec<Uuid> = sqlx::query_scalar!(
        r#"SELECT d.id AS "id: Uuid" FROM push_targets t JOIN push_deliveries d ON d.target_id = t.id
           WHERE t.user_id = ? LIMIT ?"#,
        user,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    if !deliveries.is_empty() {
        for (table, column) in [("push_attempts", "delivery_id"), ("push_deliveries", "id")] {
            let mut query = QueryBuilder::new(format!("DELETE FROM {table} WHERE {column} IN "));
            bind_list(&mut query, deliveries.iter().copied());
            query.build().execute(&mut *conn).await?;
        }
        return Ok(u64::try_from(deliveries.len()).unwrap_or(u64::MAX));
    }
    let targets = sqlx::query!("DELETE FROM push_targets WHERE user_id = ? LIMIT ?", user, most);
    let targets = targets.execute(&mut *conn).await?.rows_affected();
    let events = sqlx::query!("DELETE FROM events WHERE user_id = ? LIMIT ?", user, most);
    let events = events.execute(&mut *conn).await?.rows_affected();
    if targets + events > 0 {
        return Ok(targets + events);
    }
    let sequence = sqlx::query!("DELETE FROM event_sequences WHERE user_id = ?", user);
    Ok(sequence.execute(conn).await?.rows_affected())
}
