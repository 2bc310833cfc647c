//! Groups: their creation, their members, their names.

use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use super::lock::lock_joined;
use super::log::{Happening, append};
use crate::features::chat::model::{JOINED, RENAMED, RoomId, Seq};
use crate::features::chat::refusal::Refusal;

/// Members of a group.
pub(crate) const MOST_MEMBERS: u32 = 1500;

/// A change of a room that is done, and the entry that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) room: RoomId,
    /// Number of the entry; `None` if it was so before.
    pub(crate) seq: Option<Seq>,
}

/// Creates a group with its first members, in the caller's transaction.
pub(crate) async fn create(
    conn: &mut MySqlConnection,
    room: RoomId,
    owner: UserId,
    name: &str,
    members: &[UserId],
) -> Result<(), sqlx::Error> {
    let all: Vec<UserId> = members.iter().copied().chain([owner]).collect();
    let mut count = 0;
    for some in all.chunks(200) {
        let mut query = QueryBuilder::new(
            "INSERT INTO members (user_id, room_id, joined_seq, read_seq, read_counted)
             SELECT id, ",
        );
        query.push_bind(room).push(", 0, 0, 0 FROM users WHERE id IN ");
        bind_list(&mut query, some.iter().copied());
        count += query.build().execute(&mut *conn).await?.rows_affected();
    }
    sqlx::query!(
        "INSERT INTO rooms (id, kind, name, owner_id, members, last_at)
         VALUES (?, 'group', ?, ?, ?, NOW(3))",
        room,
        name,
        owner,
        count
    )
    .execute(conn)
    .await
    .map(drop)
}

/// Of some users, those whom this one may invite: they are there and do not block the user.
pub(crate) async fn find_guests(
    conn: &mut MySqlConnection,
    user: UserId,
    wanted: &[UserId],
) -> Result<Vec<UserId>, sqlx::Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT u.id FROM users u WHERE u.deleted_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM restrictions r
                           WHERE r.user_id = u.id AND r.kind = 'block' AND r.subject_id = ",
    );
    query.push_bind(user).push(") AND u.id IN ");
    bind_list(&mut query, wanted.iter().copied());
    query.build_query_scalar().fetch_all(conn).await
}

/// Makes somebody a member of a group, in the caller's transaction; safe to repeat.
pub(crate) async fn invite(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    guest: UserId,
) -> Result<Result<Changed, Refusal>, sqlx::Error> {
    let Some(mut head) = lock_joined(&mut *conn, room, user).await? else {
        return Ok(Err(Refusal::NotFound));
    };
    if head.is_direct {
        return Ok(Err(Refusal::NotAGroup));
    }
    if find_guests(&mut *conn, user, &[guest]).await?.is_empty() {
        return Ok(Err(Refusal::NotFound));
    }
    let (seq, counted) = (head.last_seq, head.counted);
    let joined = sqlx::query!(
        "INSERT IGNORE INTO members (user_id, room_id, joined_seq, read_seq, read_counted)
         SELECT ?, ?, ?, ?, ? FROM rooms WHERE id = ? AND members < ?",
        guest,
        room,
        seq,
        seq,
        counted,
        room,
        MOST_MEMBERS
    );
    if joined.execute(&mut *conn).await?.rows_affected() == 0 {
        if super::lock::is_member(conn, room, guest).await? {
            return Ok(Ok(Changed { room, seq: None }));
        }
        return Ok(Err(Refusal::RoomFull));
    }
    sqlx::query!("UPDATE rooms SET members = members + 1 WHERE id = ?", room)
        .execute(&mut *conn)
        .await?;
    let happening = Happening {
        kind: JOINED,
        sender: Some(user),
        subject: Some(guest),
        target: None,
        body: None,
    };
    let seq = append(conn, room, &mut head, happening).await?;
    Ok(Ok(Changed { room, seq: Some(seq) }))
}

/// Gives a group another name, in the caller's transaction. Its owner may.
pub(crate) async fn rename(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
    name: &str,
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
    let renamed = sqlx::query!(
        "UPDATE rooms SET name = ? WHERE id = ? AND NOT (name <=> ?)",
        name,
        room,
        name
    );
    if renamed.execute(&mut *conn).await?.rows_affected() == 0 {
        return Ok(Ok(Changed { room, seq: None }));
    }
    let happening = Happening {
        kind: RENAMED,
        sender: Some(user),
        subject: None,
        target: None,
        body: Some(name),
    };
    let seq = append(conn, room, &mut head, happening).await?;
    Ok(Ok(Changed { room, seq: Some(seq) }))
}
