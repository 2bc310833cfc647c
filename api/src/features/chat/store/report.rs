//! Reports of messages to the operators.

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;

use crate::features::chat::model::{RoomId, Seq};

/// Keeps a report of a message of another user's, with its text as it is now; `false` if there is no such message for the
/// user. Safe to repeat: the first counts.
pub(crate) async fn report(
    conn: &mut MySqlConnection,
    (room, seq): (RoomId, Seq),
    user: UserId,
    reason: &str,
    description: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT m.sender_id AS "sender!: UserId"
           FROM members me JOIN messages m ON m.room_id = me.room_id AND m.seq > me.joined_seq
           WHERE me.user_id = ? AND me.room_id = ? AND m.seq = ? AND m.kind IN ('text', 'image')
             AND m.sender_id IS NOT NULL AND m.sender_id <> ?"#,
        user,
        room,
        seq,
        user
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(sender) = found else { return Ok(false) };
    sqlx::query!(
        "INSERT IGNORE INTO message_reports
             (room_id, seq, user_id, subject_id, reason, description, body, created_at)
         SELECT room_id, seq, ?, ?, ?, ?, body, NOW(3) FROM messages WHERE room_id = ? AND seq = ?",
        user,
        sender,
        reason,
        description,
        room,
        seq
    )
    .execute(conn)
    .await?;
    Ok(true)
}
