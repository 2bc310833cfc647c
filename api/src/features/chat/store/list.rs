//! The list of a user's rooms. It reads rooms and members alone: a room with a million messages costs as much as an empty
//! one.

use sqlx::MySqlConnection;
use sqlx::types::time::{Date, OffsetDateTime, Time};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::features::chat::model::{RoomId, Seq};

/// A room as one of its members sees it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Room {
    pub(crate) id: RoomId,
    pub(crate) number: u64,
    /// `direct` or `group`.
    pub(crate) kind: String,
    /// The name of a group.
    pub(crate) name: Option<String>,
    pub(crate) owner_id: Option<UserId>,
    pub(crate) members: u32,
    pub(crate) last_seq: Seq,
    pub(crate) counted: u64,
    pub(crate) last_at: OffsetDateTime,
    pub(crate) preview: Option<String>,
    /// `text`, `image` or `deleted`; `None` before the first message.
    pub(crate) preview_kind: Option<String>,
    /// Number of the message that the preview is of.
    pub(crate) preview_seq: Seq,
    pub(crate) picture_id: Option<Uuid>,
    pub(crate) picture_owner: Option<UserId>,
    pub(crate) thumb_hash: Option<Vec<u8>>,
    pub(crate) joined_seq: Seq,
    pub(crate) read_seq: Seq,
    pub(crate) read_counted: u64,
    pub(crate) muted: bool,
    /// The other user of a direct room. The rest is `None` once that user is gone.
    pub(crate) peer_id: Option<UserId>,
    pub(crate) peer_number: Option<u64>,
    pub(crate) peer_nickname: Option<String>,
    pub(crate) peer_picture: Option<Uuid>,
    pub(crate) peer_thumb_hash: Option<Vec<u8>>,
}

impl Room {
    /// Messages that the member has not read.
    pub(crate) fn unread(&self) -> u64 {
        self.counted.saturating_sub(self.read_counted)
    }

    /// Returns true if the member may see what the preview is of: it was sent after they joined.
    pub(crate) fn shows_preview(&self) -> bool {
        self.preview_seq > self.joined_seq
    }
}

/// The columns of a [`Room`] of the rooms that `$page` names, in its order. Whoever blocks the member is gone for them.
macro_rules! rooms {
    ($page:literal) => {
        concat!(
            "SELECT r.id, r.number, r.kind, r.name, r.owner_id, r.members, r.last_seq, r.counted,
                    r.last_at, r.preview, r.preview_kind, r.preview_seq, r.picture_id,
                    p.user_id AS picture_owner, p.thumb_hash, me.joined_seq, me.read_seq,
                    me.read_counted, me.muted, me.peer_id, u.number AS peer_number,
                    u.nickname AS peer_nickname, u.picture_id AS peer_picture,
                    up.thumb_hash AS peer_thumb_hash
             FROM (",
            $page,
            ") AS page
             JOIN rooms r ON r.id = page.room_id
             JOIN members me ON me.user_id = ? AND me.room_id = page.room_id
             LEFT JOIN pictures p ON p.id = r.picture_id
             LEFT JOIN users u ON u.id = me.peer_id AND u.deleted_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM restrictions b WHERE b.user_id = me.peer_id
                                     AND b.subject_id = me.user_id AND b.kind = 'block')
             LEFT JOIN pictures up ON up.id = u.picture_id
             ORDER BY page.last_at DESC, page.room_id DESC"
        )
    };
}

/// A place in the list, which is in the order of the newest messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) last_at: OffsetDateTime,
    pub(crate) room: RoomId,
}

impl Place {
    /// Before the first room.
    pub(crate) const BEGIN: Self = {
        let date = match Date::from_ordinal_date(9999, 365) {
            Ok(date) => date,
            Err(_) => Date::MAX,
        };
        Self { last_at: OffsetDateTime::new_utc(date, Time::MIDNIGHT), room: RoomId(Uuid::max()) }
    };
}

/// Lists the rooms of a user after a place, those with the newest messages first.
pub(crate) async fn list_rooms(
    conn: &mut MySqlConnection,
    user: UserId,
    after: Place,
    limit: u32,
) -> Result<Vec<Room>, sqlx::Error> {
    sqlx::query_as(rooms!(
        "SELECT m.room_id, h.last_at FROM members m JOIN rooms h ON h.id = m.room_id
         WHERE m.user_id = ? AND (h.last_at < ? OR (h.last_at = ? AND h.id < ?))
         ORDER BY h.last_at DESC, h.id DESC LIMIT ?"
    ))
    .bind(user)
    .bind(after.last_at)
    .bind(after.last_at)
    .bind(after.room)
    .bind(limit)
    .bind(user)
    .fetch_all(conn)
    .await
}

/// Lists the direct rooms of a user, leaving out the first `offset`.
pub(crate) async fn list_direct_rooms(
    conn: &mut MySqlConnection,
    user: UserId,
    offset: u64,
    limit: u32,
) -> Result<Vec<Room>, sqlx::Error> {
    sqlx::query_as(rooms!(
        "SELECT m.room_id, h.last_at FROM members m JOIN rooms h ON h.id = m.room_id
         WHERE m.user_id = ? AND m.peer_id IS NOT NULL
         ORDER BY h.last_at DESC, h.id DESC LIMIT ? OFFSET ?"
    ))
    .bind(user)
    .bind(limit)
    .bind(offset)
    .bind(user)
    .fetch_all(conn)
    .await
}

/// Counts the direct rooms of a user.
pub(crate) async fn count_direct_rooms(
    conn: &mut MySqlConnection,
    user: UserId,
) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        "SELECT COUNT(*) FROM members WHERE user_id = ? AND peer_id IS NOT NULL",
        user
    );
    Ok(count.fetch_one(conn).await?.unsigned_abs())
}

/// Finds a room that the user is in.
pub(crate) async fn find_room(
    conn: &mut MySqlConnection,
    user: UserId,
    room: RoomId,
) -> Result<Option<Room>, sqlx::Error> {
    sqlx::query_as(rooms!(
        "SELECT m.room_id, h.last_at FROM members m JOIN rooms h ON h.id = m.room_id
         WHERE m.user_id = ? AND m.room_id = ?"
    ))
    .bind(user)
    .bind(room)
    .bind(user)
    .fetch_optional(conn)
    .await
}
