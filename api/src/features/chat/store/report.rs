//! Messages that are reported to the operators, and what they remove.

use std::collections::BTreeSet;

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::edit::take_contents;
use super::lock::lock_rooms;
use crate::features::chat::model::{RoomId, Seq};

/// A message that somebody may report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reportable {
    /// Identifier of the message.
    pub(crate) id: Uuid,
    pub(crate) room: RoomId,
    pub(crate) seq: Seq,
    /// Who wrote it.
    pub(crate) author: UserId,
    /// What it says now.
    pub(crate) text: Option<String>,
}

/// Finds a message of another user's that the user may see.
pub(crate) async fn find_reportable(
    conn: &mut MySqlConnection,
    user: UserId,
    (room, seq): (RoomId, Seq),
) -> Result<Option<Reportable>, sqlx::Error> {
    sqlx::query_as!(
        Reportable,
        r#"SELECT m.id AS "id: Uuid", m.room_id AS "room: RoomId", m.seq,
                  m.sender_id AS "author!: UserId", m.body AS text
           FROM members me JOIN messages m ON m.room_id = me.room_id AND m.seq > me.joined_seq
           WHERE me.user_id = ? AND me.room_id = ? AND m.seq = ? AND m.kind IN ('text', 'image')
             AND m.sender_id IS NOT NULL AND m.sender_id <> ?"#,
        user,
        room,
        seq,
        user
    )
    .fetch_optional(conn)
    .await
}

/// Takes the contents of a message away, whosever it is, in the caller's transaction; nothing if they are gone. Those who
/// follow the room are told when they are looked for by the clock.
pub(crate) async fn remove_message(
    conn: &mut MySqlConnection,
    message: (RoomId, Seq),
) -> Result<(), sqlx::Error> {
    match lock_rooms(&mut *conn, &BTreeSet::from([message.0])).await?.remove(&message.0) {
        Some(mut head) => take_contents(conn, message, &mut head, None).await.map(drop),
        None => Ok(()),
    }
}
