//! Looking up rooms and members.

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;
use uuid::Uuid;

use crate::features::chat::model::{RoomId, Seq};

/// Finds a room by its public number, for somebody who is in it.
pub(crate) async fn find_by_number(
    conn: &mut MySqlConnection,
    user: UserId,
    number: u64,
) -> Result<Option<RoomId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT r.id AS "id: RoomId" FROM rooms r
           JOIN members m ON m.user_id = ? AND m.room_id = r.id WHERE r.number = ?"#,
        user,
        number
    )
    .fetch_optional(conn)
    .await
}

/// A member of a room.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: UserId,
    pub(crate) number: u64,
    pub(crate) nickname: String,
    pub(crate) picture: Option<Uuid>,
    pub(crate) thumb_hash: Option<Vec<u8>>,
    pub(crate) read_seq: Seq,
}

/// Lists the members of a room, in order of their ids, from just after one.
pub(crate) async fn list_members(
    conn: &mut MySqlConnection,
    room: RoomId,
    after: Uuid,
    limit: u32,
) -> Result<Vec<Member>, sqlx::Error> {
    sqlx::query_as!(
        Member,
        r#"SELECT u.id AS "id: UserId", u.number, u.nickname, u.picture_id AS "picture: Uuid",
                  p.thumb_hash AS "thumb_hash?", m.read_seq
           FROM members m JOIN users u ON u.id = m.user_id AND u.deleted_at IS NULL
           LEFT JOIN pictures p ON p.id = u.picture_id
           WHERE m.room_id = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?"#,
        room,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The rooms of a user, in order of their ids, at most `limit`: each with the number of its last entry.
pub(crate) async fn list_joined(
    conn: &mut MySqlConnection,
    user: UserId,
    limit: u32,
) -> Result<Vec<(RoomId, Seq)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT r.id AS "id: RoomId", r.last_seq FROM members m JOIN rooms r ON r.id = m.room_id
           WHERE m.user_id = ? ORDER BY m.room_id LIMIT ?"#,
        user,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.last_seq)).collect())
}

/// Says whether a member wants notifications of a room; `false` if the user is not in it.
pub(crate) async fn set_muted(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    muted: bool,
) -> Result<bool, sqlx::Error> {
    let update = sqlx::query!(
        "UPDATE members SET muted = ? WHERE user_id = ? AND room_id = ?",
        muted,
        user,
        room
    );
    Ok(update.execute(conn).await?.rows_affected() > 0)
}
