//! Read marks: one row's update, and unread counts as the difference of two numbers.

use std::collections::BTreeSet;

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_notify::notices::NoticeKind;
use toneup_notify::notices::list::{mark_all_seen, mark_seen};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use crate::features::chat::model::{RoomId, Seq};

/// A member's place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Number of the last entry before the member joined.
    pub(crate) joined_seq: Seq,
    pub(crate) read_seq: Seq,
    /// Messages up to `read_seq`.
    pub(crate) read_counted: u64,
    /// No notifications.
    pub(crate) muted: bool,
    pub(crate) last_seq: Seq,
    /// Messages in the room.
    pub(crate) counted: u64,
    /// The room's public number.
    pub(crate) number: u64,
}

impl Membership {
    /// Messages that the member has not read.
    pub(crate) fn unread(&self) -> u64 {
        self.counted.saturating_sub(self.read_counted)
    }
}

/// Finds the user's place in a room; `None` if the user is not in it.
pub(crate) async fn find_membership(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<Membership>, sqlx::Error> {
    sqlx::query_as!(
        Membership,
        r#"SELECT m.joined_seq, m.read_seq, m.read_counted, m.muted AS "muted: bool",
                  r.last_seq, r.counted, r.number
           FROM members m JOIN rooms r ON r.id = m.room_id
           WHERE m.user_id = ? AND m.room_id = ?"#,
        user,
        room
    )
    .fetch_optional(conn)
    .await
}

/// A mark of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marked {
    /// The user's place in the room afterwards.
    pub(crate) place: Membership,
    /// Whether the mark was elsewhere before.
    pub(crate) has_moved: bool,
}

/// The place of an entry in a room's log.
struct EntryPlace {
    seq: Seq,
    counted: u64,
}

/// Finds the entry of a number, or the last one of a room if there are not so many; `None` if there is none.
async fn find_entry(
    conn: &mut MySqlConnection,
    room: RoomId,
    seq: Seq,
) -> Result<Option<EntryPlace>, sqlx::Error> {
    sqlx::query_as!(
        EntryPlace,
        "SELECT x.seq, x.counted
         FROM rooms r JOIN messages x ON x.room_id = r.id AND x.seq = LEAST(?, r.last_seq)
         WHERE r.id = ?",
        seq,
        room
    )
    .fetch_optional(conn)
    .await
}

/// Marks what the user has read, up to `seq` or the last entry; the mark never goes back. `None` if the user is not in the
/// room.
pub(crate) async fn mark_read(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    seq: Seq,
) -> Result<Option<Marked>, sqlx::Error> {
    let place = find_entry(&mut *conn, room, seq).await?;
    let mut has_moved = false;
    if let Some(place) = place {
        let update = sqlx::query!(
            "UPDATE members SET read_seq = ?, read_counted = ?
             WHERE user_id = ? AND room_id = ? AND read_seq < ?",
            place.seq,
            place.counted,
            user,
            room,
            place.seq
        );
        has_moved = update.execute(&mut *conn).await?.rows_affected() > 0;
        if has_moved {
            mark_seen(&mut *conn, user, NoticeKind::ChatMessage, room.0).await?;
        }
    }
    let place = find_membership(conn, room, user).await?;
    Ok(place.map(|place| Marked { place, has_moved }))
}

/// Marks what several users have read, up to `seq`; marks never go back, and whoever is not in the room is left out. Returns
/// the number of the entry, and those whose mark has moved; `None` if there is no such entry.
pub(crate) async fn mark_all_read(
    conn: &mut MySqlConnection,
    room: RoomId,
    users: &[UserId],
    seq: Seq,
) -> Result<Option<(Seq, BTreeSet<UserId>)>, sqlx::Error> {
    let place = find_entry(&mut *conn, room, seq).await?;
    let Some(place) = place else { return Ok(None) };
    // In the order of the primary key, so that two replicas lock the same rows in the same order.
    let users: BTreeSet<UserId> = users.iter().copied().collect();
    if users.is_empty() {
        return Ok(Some((place.seq, users)));
    }
    let mut behind = QueryBuilder::new("SELECT user_id FROM members WHERE room_id = ");
    behind.push_bind(room).push(" AND read_seq < ").push_bind(place.seq).push(" AND user_id IN ");
    bind_list(&mut behind, users.iter().copied());
    let behind: Vec<UserId> = behind.build_query_scalar().fetch_all(&mut *conn).await?;
    let behind: BTreeSet<UserId> = behind.into_iter().collect();
    if behind.is_empty() {
        return Ok(Some((place.seq, behind)));
    }
    let mut update = QueryBuilder::new("UPDATE members SET read_seq = ");
    update.push_bind(place.seq).push(", read_counted = ").push_bind(place.counted);
    update.push(" WHERE room_id = ").push_bind(room);
    update.push(" AND read_seq < ").push_bind(place.seq).push(" AND user_id IN ");
    bind_list(&mut update, behind.iter().copied());
    update.build().execute(&mut *conn).await?;
    mark_all_seen(conn, behind.iter().copied(), NoticeKind::ChatMessage, room.0).await?;
    Ok(Some((place.seq, behind)))
}

/// Reads how far the members of a room have read, in order of their ids.
pub(crate) async fn list_reads(
    conn: &mut MySqlConnection,
    room: RoomId,
) -> Result<Vec<(UserId, Seq)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT user_id AS "user: UserId", read_seq FROM members WHERE room_id = ?
           ORDER BY user_id"#,
        room
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.user, row.read_seq)).collect())
}
