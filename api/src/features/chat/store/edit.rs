//! Changing and deleting messages. Each change is an entry of the log, so that whoever was away learns of it.

use sqlx::MySqlConnection;
use toneup_people::pictures::withdraw;
use toneup_platform::identity::UserId;

use super::groups::Changed;
use super::lock::{Head, lock_joined};
use super::log::{Happening, append};
use crate::features::chat::model::{DELETED, EDITED, RoomId, Seq};
use crate::features::chat::refusal::Refusal;

/// A message as far as changes depend on it.
struct Target {
    sender: Option<UserId>,
    is_deleted: bool,
}

/// Gives a message of the user's another text, in the caller's transaction.
pub(crate) async fn edit(
    conn: &mut MySqlConnection,
    (room, seq): (RoomId, Seq),
    user: UserId,
    text: &str,
) -> Result<Result<Changed, Refusal>, sqlx::Error> {
    let Some(mut head) = lock_joined(&mut *conn, room, user).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    match find_target(&mut *conn, room, seq, user).await? {
        None => return Ok(Err(Refusal::NotFound)),
        Some(target) if target.sender != Some(user) => return Ok(Err(Refusal::MessageNotYours)),
        Some(target) if target.is_deleted => return Ok(Err(Refusal::MessageDeleted)),
        Some(_) => {}
    }
    let edited = sqlx::query!(
        "UPDATE messages SET body = ?, edited_at = NOW(3)
         WHERE room_id = ? AND seq = ? AND NOT (body <=> ?)",
        text,
        room,
        seq,
        text
    );
    if edited.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(Ok(Changed { room, seq: None }));
    }
    sqlx::query!(
        "UPDATE rooms SET preview = LEFT(?, 100) WHERE id = ? AND preview_seq = ?",
        text,
        room,
        seq
    )
    .execute(&mut *conn)
    .await?;
    let seq = note(conn, room, &mut head, EDITED, Some(user), seq).await?;
    Ok(Ok(Changed { room, seq: Some(seq) }))
}

/// Takes the contents of a message away, in the caller's transaction: one of the user's own, or in a group of the user's
/// anybody's. Safe to repeat.
pub(crate) async fn delete(
    conn: &mut MySqlConnection,
    (room, seq): (RoomId, Seq),
    user: UserId,
) -> Result<Result<Changed, Refusal>, sqlx::Error> {
    let Some(mut head) = lock_joined(&mut *conn, room, user).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    let Some(target) = find_target(&mut *conn, room, seq, user).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    if target.sender != Some(user) && head.owner != Some(user) {
        return Ok(Err(Refusal::MessageNotYours));
    }
    let seq = take_contents(conn, (room, seq), &mut head, Some(user)).await?;
    Ok(Ok(Changed { room, seq }))
}

/// Takes the contents of a message away in the caller's transaction, which holds the room's lock; returns the number of the
/// entry that says so, `None` if they are gone. `by` is the user who does it, `None` an operator.
pub(super) async fn take_contents(
    conn: &mut MySqlConnection,
    (room, seq): (RoomId, Seq),
    head: &mut Head,
    by: Option<UserId>,
) -> Result<Option<Seq>, sqlx::Error> {
    let author = sqlx::query_scalar!(
        r#"SELECT sender_id AS "author: UserId" FROM messages
           WHERE room_id = ? AND seq = ? AND deleted_at IS NULL AND kind IN ('text', 'image')"#,
        room,
        seq
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(author) = author else { return Ok(None) };
    let pictures = sqlx::query_scalar!(
        r#"SELECT picture_id AS "id: uuid::Uuid" FROM message_pictures
           WHERE room_id = ? AND seq = ?"#,
        room,
        seq
    )
    .fetch_all(&mut *conn)
    .await?;
    sqlx::query!(
        "UPDATE messages SET body = NULL, attachments = NULL, deleted_at = NOW(3)
         WHERE room_id = ? AND seq = ?",
        room,
        seq
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("DELETE FROM message_pictures WHERE room_id = ? AND seq = ?", room, seq)
        .execute(&mut *conn)
        .await?;
    sqlx::query!(
        "UPDATE rooms SET preview = NULL, preview_kind = ? WHERE id = ? AND preview_seq = ?",
        DELETED,
        room,
        seq
    )
    .execute(&mut *conn)
    .await?;
    if let Some(author) = author {
        withdraw(&mut *conn, author, &pictures).await?;
    }
    note(conn, room, head, DELETED, by, seq).await.map(Some)
}

/// Finds a message that the user may see.
async fn find_target(
    conn: &mut MySqlConnection,
    room: RoomId,
    seq: Seq,
    user: UserId,
) -> Result<Option<Target>, sqlx::Error> {
    sqlx::query_as!(
        Target,
        r#"SELECT m.sender_id AS "sender: UserId", m.deleted_at IS NOT NULL AS "is_deleted!: bool"
           FROM members me JOIN messages m ON m.room_id = me.room_id AND m.seq > me.joined_seq
           WHERE me.user_id = ? AND me.room_id = ? AND m.seq = ? AND m.kind IN ('text', 'image')"#,
        user,
        room,
        seq
    )
    .fetch_optional(conn)
    .await
}

async fn note(
    conn: &mut MySqlConnection,
    room: RoomId,
    head: &mut Head,
    kind: &'static str,
    sender: Option<UserId>,
    target: Seq,
) -> Result<Seq, sqlx::Error> {
    let happening = Happening { kind, sender, subject: None, target: Some(target), body: None };
    append(conn, room, head, happening).await
}
