//! People and rooms, written straight into the database.

use anyhow::Context;
use serde_json::{Value, json};
use sqlx::{Executor, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use crate::load::signer::Signer;
use crate::site::Site;

/// Rows of one statement.
const CHUNK: usize = 500;

/// A client: its auth payload, and its room.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Auth payload of its connection.
    pub(super) auth: Value,
    /// Id of the room that it writes to.
    pub(super) room: String,
    /// It asks for the rooms that it follows once it is connected.
    pub(super) syncs: bool,
    /// It shows its room: what arrives counts as read.
    pub(super) views: bool,
}

/// Creates groups of so many members each; returns the members, room by room.
pub(super) async fn settle(
    site: &Site,
    rooms: usize,
    members: usize,
) -> anyhow::Result<Vec<Person>> {
    let signer = Signer::of(&site.api).await?;
    let mut database = site.connect().await?;
    let users = add_users(&mut database, rooms * members).await?;
    let mut people = Vec::with_capacity(users.len());
    for users in users.chunks(members) {
        let room = add_room(&mut database, users).await?;
        for user in users {
            let auth = json!({ "token": signer.token(*user)? });
            people.push(Person { auth, room: room.to_string(), syncs: true, views: false });
        }
    }
    Ok(people)
}

/// Creates the table of the peer, and people with as many rooms as ours; they exist in their auth payloads alone.
pub(super) async fn settle_peer(
    site: &Site,
    rooms: usize,
    members: usize,
) -> anyhow::Result<Vec<Person>> {
    let table = "CREATE TABLE IF NOT EXISTS peer_messages (
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, room VARCHAR(36) NOT NULL,
        sender INT NOT NULL, body VARCHAR(4000) NOT NULL,
        sent_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3), KEY (room, id))";
    site.connect().await?.execute(table).await?;
    let mut people = Vec::with_capacity(rooms * members);
    for _ in 0..rooms {
        let room = Uuid::now_v7().to_string();
        for user in 0..members {
            let auth = json!({ "user": people.len() + user, "rooms": [room] });
            people.push(Person { auth, room: room.clone(), syncs: false, views: false });
        }
    }
    Ok(people)
}

/// Creates users.
pub(super) async fn add_users(
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
pub(super) async fn add_room(
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
