//! Erasing what a person has written and where they were. Others keep their conversations: the person's messages keep their
//! places in them, so that all counts stay right, and lose their contents and their sender.

use std::collections::BTreeSet;

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::{bind_list, bind_pairs};
use toneup_platform::identity::UserId;
use uuid::Uuid;

/// The tables that name people.
pub(crate) const TABLES: &[&str] = &["rooms", "members", "messages", "direct_rooms"];

/// Erases about `most` rows of a user; 0 when none are left.
pub(crate) async fn erase(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let mut erased = erase_memberships(&mut *conn, user, most).await?;
    erased += erase_pairs(&mut *conn, user, most).await?;
    erased += erase_messages(&mut *conn, user, most).await?;
    erased += erase_mentions(conn, user, most).await?;
    Ok(erased)
}

/// Locks rooms in order of id.
async fn lock(conn: &mut MySqlConnection, rooms: &BTreeSet<Uuid>) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::new("SELECT id FROM rooms WHERE id IN ");
    bind_list(&mut query, rooms.iter().copied());
    query.push(" ORDER BY id FOR UPDATE");
    query.build().fetch_all(conn).await.map(drop)
}

/// Takes the user out of rooms; the longest member inherits a group.
async fn erase_memberships(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let rooms: Vec<Uuid> = sqlx::query_scalar!(
        r#"SELECT room_id AS "room: Uuid" FROM members WHERE user_id = ? ORDER BY room_id LIMIT ?"#,
        user,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    let rooms: BTreeSet<Uuid> = rooms.into_iter().collect();
    if rooms.is_empty() {
        return Ok(0);
    }
    lock(&mut *conn, &rooms).await?;
    let mut erased = 0;
    for room in rooms {
        let delete =
            sqlx::query!("DELETE FROM members WHERE user_id = ? AND room_id = ?", user, room);
        let deleted = delete.execute(&mut *conn).await?.rows_affected();
        erased += deleted;
        sqlx::query!("UPDATE rooms SET members = members - ? WHERE id = ?", deleted, room)
            .execute(&mut *conn)
            .await?;
        sqlx::query!(
            "UPDATE rooms SET owner_id = (SELECT user_id FROM members WHERE room_id = ?
                                          ORDER BY joined_seq, user_id LIMIT 1)
             WHERE id = ? AND owner_id = ?",
            room,
            room,
            user
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(erased)
}

/// Direct rooms take no messages any more.
async fn erase_pairs(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let pairs = sqlx::query!(
        r#"(SELECT room_id AS "room: Uuid", high_user AS "other: UserId" FROM direct_rooms
            WHERE low_user = ? LIMIT ?)
           UNION ALL
           (SELECT room_id, low_user FROM direct_rooms WHERE high_user = ? LIMIT ?)"#,
        user,
        most,
        user,
        most
    )
    .fetch_all(&mut *conn)
    .await?;
    for pair in &pairs {
        sqlx::query!(
            "UPDATE members SET peer_id = NULL WHERE user_id = ? AND room_id = ?",
            pair.other,
            pair.room
        )
        .execute(&mut *conn)
        .await?;
        sqlx::query!("DELETE FROM direct_rooms WHERE room_id = ?", pair.room)
            .execute(&mut *conn)
            .await?;
    }
    Ok(u64::try_from(pairs.len()).unwrap_or(u64::MAX))
}

async fn erase_messages(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let places: Vec<(Uuid, u64)> = sqlx::query_as(
        "SELECT room_id, seq FROM messages FORCE INDEX (messages_sender)
         WHERE sender_id = ? ORDER BY room_id, seq LIMIT ?",
    )
    .bind(user)
    .bind(most)
    .fetch_all(&mut *conn)
    .await?;
    if places.is_empty() {
        return Ok(0);
    }
    // As whoever sends, edits or deletes: rooms first.
    lock(&mut *conn, &places.iter().map(|(room, _)| *room).collect()).await?;
    for (condition, statement) in [
        (("id", "preview_seq"), "UPDATE rooms SET preview = NULL, preview_kind = 'deleted' WHERE "),
        (("room_id", "seq"), "DELETE FROM message_pictures WHERE "),
        (
            ("room_id", "seq"),
            "UPDATE messages SET sender_id = NULL, client_key = NULL, digest = NULL, body = NULL,
                 attachments = NULL, deleted_at = COALESCE(deleted_at, NOW(3)) WHERE ",
        ),
    ] {
        let mut query = QueryBuilder::new(statement);
        bind_pairs(&mut query, condition, places.iter().copied());
        query.build().execute(&mut *conn).await?;
    }
    Ok(u64::try_from(places.len()).unwrap_or(u64::MAX))
}

/// Others' entries that name the user.
async fn erase_mentions(
    conn: &mut MySqlConnection,
    user: UserId,
    most: u32,
) -> Result<u64, sqlx::Error> {
    let update = sqlx::query!(
        "UPDATE messages SET subject_id = NULL WHERE subject_id = ? LIMIT ?",
        user,
        most
    );
    Ok(update.execute(conn).await?.rows_affected())
}
