//! Retention: what nobody can see any more.

use std::time::Duration;

use sqlx::{Connection, MySqlConnection};
use toneup_platform::database::micros;

use super::model::RoomId;
use crate::http::purge::Purge;

/// Time after the last message at which a room without members is deleted.
const EMPTY: Duration = Duration::from_hours(24);
/// The retention rules of conversations.
pub(crate) fn purges() -> Vec<Purge> {
    vec![Purge::new("rooms", |conn, most| Box::pin(delete_of_empty_room(conn, most)))]
}

/// Deletes messages of one room that nobody is in, and with the last of them the room. Under its lock: nobody returns
/// meanwhile.
async fn delete_of_empty_room(conn: &mut MySqlConnection, most: u32) -> Result<u64, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    let room = sqlx::query_scalar!(
        r#"SELECT id AS "id: RoomId" FROM rooms
           WHERE members = 0 AND last_at < NOW(3) - INTERVAL ? MICROSECOND
           LIMIT 1 FOR UPDATE SKIP LOCKED"#,
        micros(EMPTY)
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(room) = room else { return Ok(0) };
    let deleted = sqlx::query!("DELETE FROM messages WHERE room_id = ? LIMIT ?", room, most);
    let deleted = deleted.execute(&mut *transaction).await?.rows_affected();
    if deleted < u64::from(most) {
        for statement in [
            "DELETE FROM message_pictures WHERE room_id = ?",
            "DELETE FROM direct_rooms WHERE room_id = ?",
            "DELETE FROM rooms WHERE id = ?",
        ] {
            sqlx::query(statement).bind(room).execute(&mut *transaction).await?;
        }
    }
    transaction.commit().await?;
    // Another room may be next, however few messages this one had.
    Ok(u64::from(most))
}
