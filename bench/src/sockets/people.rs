//! Users and groups, written straight into a database.

use anyhow::Context;
use sqlx::{MySqlConnection, QueryBuilder};
use uuid::Uuid;

/// Rows of one statement.
const CHUNK: usize = 500;

/// Creates users.
pub(crate) async fn add_users(
    database: &mut MySqlConnection,
    count: usize,
) -> anyhow::Result<Vec<Uuid>> {
    let users: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
    for some in users.chunks(CHUNK) {
        let mut query = QueryBuilder::new("INSERT INTO users (id, kind, created_at) ");
        query.push_values(some, |mut row, user| {
            row.push_bind(user.as_bytes().as_slice()).push("'guest'").push("NOW(3)");
        });
        query.build().execute(&mut *database).await.context("creating users")?;
    }
    Ok(users)
}

/// Creates a group.
pub(crate) async fn add_room(
    database: &mut MySqlConnection,
    members: &[Uuid],
) -> anyhow::Result<Uuid> {
    let room = Uuid::now_v7();
    let owner = members.first().context("a group has members")?;
    sqlx::query(
        "INSERT INTO rooms (id, kind, name, owner_id, members, last_at)
         VALUES (?, 'group', 'a group', ?, ?, NOW(3))",
    )
    .bind(room.as_bytes().as_slice())
    .bind(owner.as_bytes().as_slice())
    .bind(u32::try_from(members.len())?)
    .execute(&mut *database)
    .await
    .context("creating a room")?;
    for some in members.chunks(CHUNK) {
        let mut query = QueryBuilder::new(
            "INSERT INTO members (user_id, room_id, joined_seq, read_seq, read_counted) ",
        );
        query.push_values(some, |mut row, user| {
            row.push_bind(user.as_bytes().as_slice()).push_bind(room.as_bytes().as_slice());
            row.push("0").push("0").push("0");
        });
        query.build().execute(&mut *database).await.context("creating members")?;
    }
    Ok(room)
}
