//! Leaving a room, and being removed from one.

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;

use super::groups::Changed;
use super::lock::{Head, lock_joined};
use super::log::{Happening, append};
use crate::features::chat::model::{LEFT, REMOVED, RoomId};
use crate::features::chat::refusal::Refusal;

/// Takes the user out of a room, in the caller's transaction. The longest member inherits a group.
pub(crate) async fn leave(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
) -> Result<Result<Changed, Refusal>, sqlx::Error> {
    let Some(head) = lock_joined(&mut *conn, room, user).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    take_out(conn, room, head, user, user).await.map(Ok)
}

/// Takes another member out of a group, in the caller's transaction; safe to repeat. Its owner may.
pub(crate) async fn remove(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    member: UserId,
) -> Result<Result<Changed, Refusal>, sqlx::Error> {
    let Some(head) = lock_joined(&mut *conn, room, user).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    if head.is_direct {
        return Ok(Err(Refusal::NotAGroup));
    }
    if head.owner != Some(user) {
        return Ok(Err(Refusal::OwnerOnly));
    }
    take_out(conn, room, head, user, member).await.map(Ok)
}

async fn take_out(
    conn: &mut MySqlConnection,
    room: RoomId,
    mut head: Head,
    user: UserId,
    member: UserId,
) -> Result<Changed, sqlx::Error> {
    let deleted =
        sqlx::query!("DELETE FROM members WHERE user_id = ? AND room_id = ?", member, room);
    if deleted.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(Changed { room, seq: None });
    }
    sqlx::query!("UPDATE rooms SET members = members - 1 WHERE id = ?", room)
        .execute(&mut *conn)
        .await?;
    if head.owner == Some(member) {
        sqlx::query!(
            "UPDATE rooms SET owner_id = (SELECT user_id FROM members WHERE room_id = ?
                                          ORDER BY joined_seq, user_id LIMIT 1)
             WHERE id = ?",
            room,
            room
        )
        .execute(&mut *conn)
        .await?;
    }
    let kind = if user == member { LEFT } else { REMOVED };
    let happening =
        Happening { kind, sender: Some(user), subject: Some(member), target: None, body: None };
    let seq = append(conn, room, &mut head, happening).await?;
    Ok(Changed { room, seq: Some(seq) })
}
