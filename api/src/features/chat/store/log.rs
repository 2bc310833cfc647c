//! The logs of rooms: entries beside messages, and reading.

use sqlx::MySqlConnection;
use sqlx::types::time::OffsetDateTime;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::lock::Head;
use super::read::find_membership;
use super::send::milliseconds;
use crate::features::chat::model::{Entry, RoomId, Seq};

/// An entry that is no message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Happening<'a> {
    pub(super) kind: &'static str,
    /// Whoever did it; `None`: an operator.
    pub(super) sender: Option<UserId>,
    pub(super) subject: Option<UserId>,
    pub(super) target: Option<Seq>,
    pub(super) body: Option<&'a str>,
}

/// Appends an entry in the caller's transaction, which holds the room's lock; returns its number.
pub(super) async fn append(
    conn: &mut MySqlConnection,
    room: RoomId,
    head: &mut Head,
    happening: Happening<'_>,
) -> Result<Seq, sqlx::Error> {
    let Happening { kind, sender, subject, target, body } = happening;
    head.last_seq += 1;
    let sent_at = head.last_at.max(milliseconds(OffsetDateTime::now_utc()));
    sqlx::query!(
        "INSERT INTO messages (room_id, seq, id, sender_id, kind, body, subject_id, target_seq,
                               counted, sent_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        room,
        head.last_seq,
        Uuid::now_v7(),
        sender,
        kind,
        body,
        subject,
        target,
        head.counted,
        sent_at
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("UPDATE rooms SET last_seq = ? WHERE id = ?", head.last_seq, room)
        .execute(conn)
        .await?;
    Ok(head.last_seq)
}

/// The columns of an [`Entry`], and the condition.
macro_rules! entries {
    ($condition:literal) => {
        concat!(
            "SELECT m.seq, m.id, m.kind, m.sender_id, u.number AS sender_number, m.client_key,
                    IF(m.kind = 'edited', t.body, m.body) AS body, m.attachments, m.subject_id,
                    s.nickname AS subject_nickname, m.target_seq, m.sent_at, m.edited_at, m.deleted_at ",
            $condition
        )
    };
}

/// Lists entries after a number, in their order, for whoever delivers them.
pub(crate) async fn list_new(
    conn: &mut MySqlConnection,
    room: RoomId,
    after: Seq,
    limit: u32,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as(entries!(
        "FROM messages m
         LEFT JOIN users u ON u.id = m.sender_id
         LEFT JOIN users s ON s.id = m.subject_id
         LEFT JOIN messages t ON t.room_id = m.room_id AND t.seq = m.target_seq
         WHERE m.room_id = ? AND m.seq > ? ORDER BY m.seq LIMIT ?"
    ))
    .bind(room)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Lists entries after a number that the user may see, in their order; none for whoever is not in the room.
pub(crate) async fn list_after(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    after: Seq,
    limit: u32,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as(entries!(
        "FROM members me
         JOIN messages m ON m.room_id = me.room_id AND m.seq > GREATEST(?, me.joined_seq)
         LEFT JOIN users u ON u.id = m.sender_id
         LEFT JOIN users s ON s.id = m.subject_id
         LEFT JOIN messages t ON t.room_id = m.room_id AND t.seq = m.target_seq
         WHERE me.user_id = ? AND me.room_id = ? ORDER BY m.seq LIMIT ?"
    ))
    .bind(after)
    .bind(user)
    .bind(room)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Lists entries before a number that the user may see, the newest first; none for whoever is not in the room.
pub(crate) async fn list_before(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    before: Seq,
    limit: u32,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as(entries!(
        "FROM members me
         JOIN messages m ON m.room_id = me.room_id AND m.seq > me.joined_seq AND m.seq < ?
         LEFT JOIN users u ON u.id = m.sender_id
         LEFT JOIN users s ON s.id = m.subject_id
         LEFT JOIN messages t ON t.room_id = m.room_id AND t.seq = m.target_seq
         WHERE me.user_id = ? AND me.room_id = ? ORDER BY m.seq DESC LIMIT ?"
    ))
    .bind(before)
    .bind(user)
    .bind(room)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Numbers of one search, which is as many rows as it reads at most.
const SEARCHED: Seq = 5_000;

/// Messages that a search has found, the newest first, and how far it has come.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) entries: Vec<Entry>,
    /// The number before which to go on; `None` at the beginning of what the user may see.
    pub(crate) next: Option<Seq>,
}

/// Searches the texts of a room's messages before a number, from the newest on, among at most [`SEARCHED`] entries; nothing
/// for whoever is not in the room.
pub(crate) async fn search(
    conn: &mut MySqlConnection,
    (room, user): (RoomId, UserId),
    text: &str,
    before: Seq,
    limit: u32,
) -> Result<Search, sqlx::Error> {
    let Some(place) = find_membership(&mut *conn, room, user).await? else {
        return Ok(Search { entries: Vec::new(), next: None });
    };
    let before = before.min(place.last_seq + 1);
    // Numbers have no gaps: a bound on numbers is a bound on rows.
    let floor = before.saturating_sub(SEARCHED + 1).max(place.joined_seq);
    let entries: Vec<Entry> = sqlx::query_as(entries!(
        "FROM members me
         JOIN messages m ON m.room_id = me.room_id AND m.seq > ? AND m.seq < ?
             AND m.kind IN ('text', 'image') AND m.deleted_at IS NULL AND m.body LIKE ?
         LEFT JOIN users u ON u.id = m.sender_id
         LEFT JOIN users s ON s.id = m.subject_id
         LEFT JOIN messages t ON t.room_id = m.room_id AND t.seq = m.target_seq
         WHERE me.user_id = ? AND me.room_id = ? ORDER BY m.seq DESC LIMIT ?"
    ))
    .bind(floor)
    .bind(before)
    .bind(pattern(text))
    .bind(user)
    .bind(room)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let is_full = entries.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let reached = entries.last().filter(|_| is_full).map_or(floor + 1, |entry| entry.seq);
    Ok(Search { entries, next: Some(reached).filter(|seq| *seq > place.joined_seq + 1) })
}

/// A pattern of `LIKE` for texts that contain this one.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_patterns_are_searched_for_as_they_are() {
        assert_eq!(pattern("100% a_b\\"), "%100\\% a\\_b\\\\%");
    }
}
