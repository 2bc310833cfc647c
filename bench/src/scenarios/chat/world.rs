//! People and rooms, written straight into the database.

use serde_json::{Value, json};
use sqlx::Executor;
use uuid::Uuid;

use crate::load::signer::Signer;
use crate::site::Site;
use crate::sockets::people::{add_room, add_users};

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
