//! The locks of rooms.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::time::OffsetDateTime;
use sqlx::{MySqlConnection, QueryBuilder};
use toneup_platform::database::bind_list;
use toneup_platform::identity::UserId;

use crate::features::chat::model::{RoomId, Seq};

/// A room's row as far as changes depend on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) is_direct: bool,
    /// Present members.
    pub(crate) members: u32,
    pub(crate) last_seq: Seq,
    /// Messages in the log.
    pub(crate) counted: u64,
    pub(crate) last_at: OffsetDateTime,
    /// The owner of a group.
    pub(crate) owner: Option<UserId>,
}

type Row = (RoomId, String, u32, Seq, u64, OffsetDateTime, Option<UserId>);

/// Locks rooms in order of id; those that do not exist are left out.
pub(crate) async fn lock_rooms(
    conn: &mut MySqlConnection,
    rooms: &BTreeSet<RoomId>,
) -> Result<BTreeMap<RoomId, Head>, sqlx::Error> {
    if rooms.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = QueryBuilder::new(
        "SELECT id, kind, members, last_seq, counted, last_at, owner_id FROM rooms WHERE id IN ",
    );
    bind_list(&mut query, rooms.iter().copied());
    query.push(" ORDER BY id FOR UPDATE");
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    let head = |(id, kind, members, last_seq, counted, last_at, owner): Row| {
        (id, Head { is_direct: kind == "direct", members, last_seq, counted, last_at, owner })
    };
    Ok(rows.into_iter().map(head).collect())
}

/// Locks one room in which the user is a member; `None` if there is none for the user.
pub(crate) async fn lock_joined(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<Head>, sqlx::Error> {
    let Some(head) = lock_rooms(&mut *conn, &BTreeSet::from([room])).await?.remove(&room) else {
        return Ok(None);
    };
    // Under the lock nobody joins or leaves.
    Ok(is_member(conn, room, user).await?.then_some(head))
}

/// Returns true if the user is in the room.
pub(crate) async fn is_member(
    conn: &mut MySqlConnection,
    room: RoomId,
    user: UserId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM members WHERE user_id = ? AND room_id = ?) AS "found!: bool""#,
        user,
        room
    )
    .fetch_one(conn)
    .await
}
