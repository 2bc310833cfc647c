//! The pictures of messages and rooms: ordered by the key of an upload, once for each message.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sqlx::MySqlConnection;
use toneup_people::pictures::{Purpose, order, withdraw};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::groups::Changed;
use super::lock::lock_joined;
use super::log::{Happening, append};
use crate::features::chat::model::{Attachment, PICTURE, RoomId};
use crate::features::chat::refusal::Refusal;

/// How far a picture is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is being made.
    Pending,
    /// It can be shown.
    Ready(Attachment),
    /// The upload is missing or no picture.
    Refused,
}

/// Looks for the picture of an upload that belongs to no message yet, and orders one if there is none.
pub(crate) async fn find_or_order(
    conn: &mut MySqlConnection,
    user: UserId,
    purpose: Purpose,
    upload: &str,
) -> Result<Made, sqlx::Error> {
    let found = sqlx::query!(
        r#"SELECT p.id AS "id: Uuid", p.state, p.thumb_hash
           FROM pictures p LEFT JOIN message_pictures m ON m.picture_id = p.id
           WHERE p.user_id = ? AND p.source_key = ? AND p.purpose = ?
             AND p.state IN ('pending', 'ready', 'refused') AND m.picture_id IS NULL
           ORDER BY p.id LIMIT 1"#,
        user,
        upload,
        purpose.as_str()
    )
    .fetch_optional(&mut *conn)
    .await?;
    let Some(found) = found else {
        order(conn, user, purpose, upload).await?;
        return Ok(Made::Pending);
    };
    Ok(match (found.state.as_str(), found.thumb_hash) {
        ("ready", Some(hash)) => Made::Ready(Attachment {
            id: found.id,
            owner: user,
            thumb_hash: BASE64_STANDARD.encode(hash),
        }),
        ("refused", _) => Made::Refused,
        _ => Made::Pending,
    })
}

/// Gives a group a picture that is ready, or none, in the caller's transaction. Its owner may.
pub(crate) async fn set_room_picture(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    picture: Option<Uuid>,
) -> Result<Result<Changed, Refusal>, sqlx::Error> {
    let Some(mut head) = lock_joined(&mut *conn, room, user).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    if head.is_direct {
        return Ok(Err(Refusal::NotAGroup));
    }
    if head.owner != Some(user) {
        return Ok(Err(Refusal::OwnerOnly));
    }
    let before = sqlx::query!(
        r#"SELECT p.id AS "id: Uuid", p.user_id AS "owner: UserId"
           FROM rooms r JOIN pictures p ON p.id = r.picture_id WHERE r.id = ?"#,
        room
    )
    .fetch_optional(&mut *conn)
    .await?;
    let changed = sqlx::query!(
        "UPDATE rooms SET picture_id = ? WHERE id = ? AND NOT (picture_id <=> ?)",
        picture,
        room,
        picture
    );
    if changed.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(Ok(Changed { room, seq: None }));
    }
    if let Some(before) = before {
        withdraw(&mut *conn, before.owner, &[before.id]).await?;
    }
    let happening =
        Happening { kind: PICTURE, sender: Some(user), subject: None, target: None, body: None };
    let seq = append(conn, room, &mut head, happening).await?;
    Ok(Ok(Changed { room, seq: Some(seq) }))
}
