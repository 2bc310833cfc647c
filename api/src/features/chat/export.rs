//! Export of a user's rooms and messages.

use futures_util::FutureExt;
use serde_json::json;
use sqlx::MySqlConnection;
use sqlx::types::time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::model::RoomId;
use crate::http::export::{Export, ExportPage};

/// Entries of a page.
const PAGE: u32 = 200;

/// The lists of conversations.
pub(crate) fn exports() -> Vec<Export> {
    vec![
        Export::new("rooms", |conn, user, from| read_rooms(conn, user, from).boxed()),
        Export::new("messages", |conn, user, from| read_messages(conn, user, from).boxed()),
    ]
}

/// A place in a list by room and number.
fn place(from: Option<&str>) -> (Uuid, u64) {
    let place = from.and_then(|text| text.split_once('/'));
    let place = place.and_then(|(room, seq)| Some((room.parse().ok()?, seq.parse().ok()?)));
    place.unwrap_or((Uuid::nil(), 0))
}

fn written(time: OffsetDateTime) -> Option<String> {
    time.format(&Rfc3339).ok()
}

fn is_whole(length: usize) -> bool {
    length == usize::try_from(PAGE).unwrap_or(usize::MAX)
}

async fn read_rooms(
    conn: &mut MySqlConnection,
    user: UserId,
    from: Option<String>,
) -> Result<ExportPage, sqlx::Error> {
    let after: Uuid = from.and_then(|text| text.parse().ok()).unwrap_or_default();
    let rows = sqlx::query!(
        r#"SELECT r.id AS "id: RoomId", r.kind, r.name, m.peer_id AS "peer: UserId", m.read_seq,
                  m.muted AS "muted: bool"
           FROM members m JOIN rooms r ON r.id = m.room_id
           WHERE m.user_id = ? AND m.room_id > ? ORDER BY m.room_id LIMIT ?"#,
        user,
        after,
        PAGE
    )
    .fetch_all(conn)
    .await?;
    let next = rows.last().filter(|_| is_whole(rows.len())).map(|row| row.id.0.to_string());
    let items = rows.into_iter().map(|row| {
        json!({
            "id": row.id,
            "kind": row.kind,
            "name": row.name,
            "peer": row.peer,
            "readSeq": row.read_seq,
            "muted": row.muted,
        })
    });
    ExportPage::of(items, next)
}

async fn read_messages(
    conn: &mut MySqlConnection,
    user: UserId,
    from: Option<String>,
) -> Result<ExportPage, sqlx::Error> {
    let (room, seq) = place(from.as_deref());
    let rows = sqlx::query!(
        r#"SELECT room_id AS "room: RoomId", seq, kind, body, attachments,
                  sent_at AS "sent_at: OffsetDateTime"
           FROM messages FORCE INDEX (messages_sender)
           WHERE sender_id = ? AND (room_id > ? OR (room_id = ? AND seq > ?))
           ORDER BY room_id, seq LIMIT ?"#,
        user,
        room,
        room,
        seq,
        PAGE
    )
    .fetch_all(conn)
    .await?;
    let next = rows.last().filter(|_| is_whole(rows.len()));
    let next = next.map(|row| format!("{}/{}", row.room.0, row.seq));
    let items = rows.into_iter().map(|row| {
        json!({
            "room": row.room,
            "seq": row.seq,
            "kind": row.kind,
            "text": row.body,
            "hasPictures": row.attachments.is_some(),
            "sentAt": written(row.sent_at),
        })
    });
    ExportPage::of(items, next)
}
