//! Random histories of a room, and what a count over all messages says of them.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sqlx::{MySqlConnection, MySqlPool};
use toneup_platform::identity::UserId;
use uuid::Uuid;

use super::groups::{create, invite};
use super::leave::leave;
use super::place::NewMessage;
use super::read::{find_membership, list_reads, mark_all_read, mark_read};
use super::send::send;
use super::{edit, log};
use crate::features::chat::model::{Content, RoomId, Seq};
use crate::features::chat::unread::Reads;

/// What is known of a room without any count.
#[derive(Debug, Default)]
struct Model {
    /// Whether each entry is a message, from number 1 on.
    entries: Vec<bool>,
    /// How far each member has read.
    reads: BTreeMap<UserId, Seq>,
}

impl Model {
    fn last(&self) -> Seq {
        self.entries.len() as Seq
    }

    fn unread(&self, user: UserId) -> u64 {
        let read = usize::try_from(self.reads[&user]).unwrap();
        self.entries[read..].iter().filter(|message| **message).count() as u64
    }

    fn read(&mut self, user: UserId, seq: Seq) {
        let last = self.last();
        let mark = self.reads.get_mut(&user).unwrap();
        *mark = (*mark).max(seq.min(last));
    }
}

fn message(room: RoomId, sender: UserId) -> NewMessage {
    let id = Uuid::now_v7();
    let content = Content { text: Some("봄".to_owned()), pictures: vec![] };
    let client_key = id.to_string();
    NewMessage { id, room, sender, client_key, digest: *id.as_bytes(), content }
}

/// Marks of several people at once, strangers among them.
async fn read_together(
    conn: &mut MySqlConnection,
    rng: &mut StdRng,
    room: RoomId,
    people: &[UserId],
    model: &mut Model,
) {
    let seq = rng.random_range(0..model.last() + 3);
    let some: Vec<UserId> = people.iter().filter(|_| rng.random_bool(0.5)).copied().collect();
    let marked = mark_all_read(conn, room, &some, seq).await.unwrap();
    let reached = seq.min(model.last());
    assert_eq!(marked.is_some(), reached > 0);
    let moved =
        some.into_iter().filter(|user| model.reads.get(user).is_some_and(|read| *read < reached));
    let moved: BTreeSet<UserId> = moved.collect();
    assert_eq!(marked.unwrap_or_default(), (reached, moved.clone()));
    for user in moved {
        model.read(user, seq);
    }
}

/// One random step by some user.
async fn step(
    conn: &mut MySqlConnection,
    rng: &mut StdRng,
    room: RoomId,
    people: &[UserId],
    model: &mut Model,
) {
    let members: Vec<UserId> = model.reads.keys().copied().collect();
    let user = members[rng.random_range(0..members.len())];
    match rng.random_range(0..10) {
        0..=3 => {
            let count = rng.random_range(1..4);
            let senders: Vec<UserId> =
                (0..count).map(|_| members[rng.random_range(0..members.len())]).collect();
            let items: Vec<NewMessage> =
                senders.iter().map(|sender| message(room, *sender)).collect();
            let outcomes = send(conn, &items).await.unwrap();
            for (sender, outcome) in senders.into_iter().zip(outcomes) {
                model.entries.push(true);
                assert_eq!(outcome.unwrap().seq, model.last());
                model.read(sender, model.last());
            }
        }
        4 => read_together(conn, rng, room, people, model).await,
        5..=6 => {
            // Devices may say it in any order.
            let seq = rng.random_range(0..model.last() + 3);
            mark_read(conn, room, user, seq).await.unwrap().unwrap();
            model.read(user, seq);
        }
        7 => {
            let guest = people[rng.random_range(0..people.len())];
            let changed = invite(conn, room, user, guest).await.unwrap().unwrap();
            if changed.seq.is_some() {
                let before = model.last();
                model.entries.push(false);
                model.reads.insert(guest, before);
            }
        }
        8 if members.len() > 1 => {
            leave(conn, room, user).await.unwrap().unwrap();
            model.reads.remove(&user);
            model.entries.push(false);
        }
        _ => {
            let seq = rng.random_range(0..=model.last());
            if let Ok(changed) = edit::delete(conn, (room, seq), user).await.unwrap()
                && changed.seq.is_some()
            {
                model.entries.push(false);
            }
        }
    }
}

async fn check(conn: &mut MySqlConnection, room: RoomId, people: &[UserId], model: &Model) {
    for user in people {
        let place = find_membership(conn, room, *user).await.unwrap();
        assert_eq!(place.is_some(), model.reads.contains_key(user));
        if let Some(place) = place {
            assert_eq!(place.unread(), model.unread(*user), "{place:?} {model:?}");
            assert_eq!((place.last_seq, place.read_seq), (model.last(), model.reads[user]));
        }
    }
    let reads = Reads::new(list_reads(conn, room).await.unwrap());
    let log = log::list_new(conn, room, 0, 1000).await.unwrap();
    assert_eq!(log.len(), model.entries.len());
    for (index, entry) in log.iter().enumerate() {
        assert_eq!((entry.seq, entry.is_message()), (index as Seq + 1, model.entries[index]));
        let counted = model.reads.values().filter(|read| **read < entry.seq).count();
        assert_eq!(reads.unread(entry.seq), counted, "{} {model:?}", entry.seq);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn unread_counts_are_what_counting_all_messages_says(db: MySqlPool) {
    let mut conn = db.acquire().await.unwrap();
    let people: Vec<UserId> = (0..5).map(|_| UserId(Uuid::now_v7())).collect();
    for user in &people {
        sqlx::query("INSERT INTO users (id, kind, created_at) VALUES (?, 'guest', NOW(3))")
            .bind(*user)
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    for seed in 0..12 {
        let mut rng = StdRng::seed_from_u64(seed);
        let room = RoomId::generate();
        create(&mut conn, room, people[0], "봄", &people[1..3]).await.unwrap();
        let reads = people[..3].iter().map(|user| (*user, 0)).collect();
        let mut model = Model { reads, ..Model::default() };
        for _ in 0..40 {
            step(&mut conn, &mut rng, room, &people, &mut model).await;
        }
        check(&mut conn, room, &people, &model).await;
    }
}
