//! Direct rooms: one for each pair of users, found by the pair.

use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;

use super::lock::lock_rooms;
use crate::features::chat::model::RoomId;

/// A direct room that the user is in now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) room: RoomId,
    /// It was not there before.
    pub(crate) is_new: bool,
}

/// Opens the direct room of two users, in the caller's transaction: the one that there is, in which the user is a member
/// again, or a new one. Safe to repeat; of two that open it at once, both get the same.
pub(crate) async fn open(
    conn: &mut MySqlConnection,
    user: UserId,
    peer: UserId,
) -> Result<Opened, sqlx::Error> {
    let (low, high) = if user < peer { (user, peer) } else { (peer, user) };
    if let Some(room) = find(&mut *conn, low, high).await? {
        join(conn, room, user, peer).await?;
        return Ok(Opened { room, is_new: false });
    }
    let fresh = RoomId::generate();
    // Waits for another transaction that inserts the same pair.
    let inserted = sqlx::query!(
        "INSERT IGNORE INTO direct_rooms (low_user, high_user, room_id) VALUES (?, ?, ?)",
        low,
        high,
        fresh
    );
    if inserted.execute(&mut *conn).await?.rows_affected() == 1 {
        create(&mut *conn, fresh, user, peer).await?;
        return Ok(Opened { room: fresh, is_new: true });
    }
    // No lock on the pair: two that hold one already would wait for each other.
    let room = find(&mut *conn, low, high).await?.ok_or(sqlx::Error::RowNotFound)?;
    join(conn, room, user, peer).await?;
    Ok(Opened { room, is_new: false })
}

async fn find(
    conn: &mut MySqlConnection,
    low: UserId,
    high: UserId,
) -> Result<Option<RoomId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT room_id AS "room: RoomId" FROM direct_rooms WHERE low_user = ? AND high_user = ?"#,
        low,
        high
    )
    .fetch_optional(conn)
    .await
}

async fn create(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    peer: UserId,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO rooms (id, kind, members, last_at) VALUES (?, 'direct', 2, NOW(3))",
        room
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO members (user_id, room_id, peer_id, joined_seq, read_seq, read_counted)
         VALUES (?, ?, ?, 0, 0, 0), (?, ?, ?, 0, 0, 0)",
        user,
        room,
        peer,
        peer,
        room,
        user
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Makes the user a member again, unless that is so; what was before stays unseen.
async fn join(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    peer: UserId,
) -> Result<(), sqlx::Error> {
    let Some(head) = lock_rooms(&mut *conn, &[room].into()).await?.remove(&room) else {
        // Nobody was in it for a day: the next attempt opens another.
        return Err(sqlx::Error::Io(std::io::Error::other("the room is being deleted")));
    };
    let joined = sqlx::query!(
        "INSERT IGNORE INTO members
             (user_id, room_id, peer_id, joined_seq, read_seq, read_counted)
         VALUES (?, ?, ?, ?, ?, ?)",
        user,
        room,
        peer,
        head.last_seq,
        head.last_seq,
        head.counted
    );
    if joined.execute(&mut *conn).await?.rows_affected() == 1 {
        sqlx::query!("UPDATE rooms SET members = members + 1 WHERE id = ?", room)
            .execute(conn)
            .await?;
    }
    Ok(())
}
