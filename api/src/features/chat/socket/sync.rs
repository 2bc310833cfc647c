//! Taking up again: a client says the number of the last entry that it knows of each room, and gets what it missed.

use std::collections::BTreeMap;

use serde::Serialize;
use toneup_platform::database::bounded;
use uuid::Uuid;

use super::answer::Reply;
use super::session::Session;
use crate::features::chat::model::{Entry, RoomId, Seq};
use crate::features::chat::socket_events::ChatEvent;
use crate::features::chat::store::find::list_joined;
use crate::features::chat::store::list::find_room;
use crate::features::chat::store::log::{list_after, list_before};
use crate::features::chat::store::read::list_reads;
use crate::features::chat::unread::Reads;
use crate::features::chat::view::{EntryView, entries};
use crate::http::problem::ApiError;

use super::request::MOST_ROOMS;

/// Entries of one room in one answer.
const AT_ONCE: u32 = 200;
/// Entries of all rooms in one answer; rooms beyond say that there is more.
const MOST_ENTRIES: usize = 1000;
/// Entries that old clients are sent when they show a room.
const HISTORY: u32 = 50;

/// What a client missed of a room.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Missed {
    /// In the order of the numbers.
    entries: Vec<EntryView>,
    /// Number of the newest entry of the room.
    last_seq: Seq,
    /// There is more: sync again from the last of these. Until then the room is silent.
    more: bool,
}

/// The answer to a sync.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Synced {
    /// The rooms of which there is something, and those that the client named.
    rooms: BTreeMap<RoomId, Missed>,
    /// Rooms that the client named and is not in.
    gone: Vec<Uuid>,
}

/// The newest entries of a room, in the event `history`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct History {
    room_id: String,
    room: RoomId,
    messages: Vec<ChatEvent>,
}

impl Session {
    /// Answers what was missed, and has the connection follow all rooms of its user from there on.
    pub(super) async fn sync(&self, known: BTreeMap<Uuid, Seq>, reply: Reply) {
        let _syncing = self.doors.chat.hub.begin_sync(&self.connection);
        let (answer, follow) = match Box::pin(self.find_missed(known)).await {
            Ok(found) => found,
            Err(error) => return reply.failed(&self.connection, &error),
        };
        let silent = answer.rooms.iter().filter(|(_, missed)| missed.more);
        self.connection.keep_silent(silent.map(|(room, _)| *room).collect());
        // The answer first: what comes then comes after it.
        reply.done(&answer);
        self.connection.follow_all();
        for (room, from) in follow {
            if self.connection.is_over() {
                return;
            }
            self.doors.chat.hub.follow_surely(&self.connection, room, from).await;
        }
    }

    /// Finds what was missed, and the entries from which on rooms are followed.
    async fn find_missed(
        &self,
        mut known: BTreeMap<Uuid, Seq>,
    ) -> Result<(Synced, Vec<(RoomId, Seq)>), ApiError> {
        let user = self.connection.person.id;
        let most = u32::try_from(MOST_ROOMS).unwrap_or(u32::MAX);
        let listing = bounded(async {
            list_joined(&mut *self.doors.chat.pool.acquire().await?, user, most).await
        });
        let (mut rooms, mut follow, mut total) = (BTreeMap::new(), Vec::new(), 0);
        for (room, last_seq) in listing.await? {
            let Some(seq) = known.remove(&room.0) else {
                // What it follows already comes by itself, and some of it may still be on its way.
                if !self.connection.rooms().contains(&room) {
                    follow.push((room, last_seq));
                }
                continue;
            };
            // A number that is not there yet would hide what comes until then.
            let seq = seq.min(last_seq);
            let (mut found, mut more) = (Vec::new(), false);
            if seq < last_seq {
                more = total >= MOST_ENTRIES;
                if !more {
                    found = self.read_missed(room, seq).await?;
                    more = found.len() >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
                    total += found.len();
                }
            }
            if !more {
                follow.push((room, found.last().map_or(seq, |(entry, _)| entry.seq)));
            }
            let entries = found.into_iter().map(|(_, view)| view).collect();
            rooms.insert(room, Missed { entries, last_seq, more });
        }
        let gone = known.into_keys().collect();
        Ok((Synced { rooms, gone }, follow))
    }

    async fn read_missed(
        &self,
        room: RoomId,
        after: Seq,
    ) -> Result<Vec<(Entry, EntryView)>, ApiError> {
        let user = self.connection.person.id;
        let reading = bounded(async {
            let mut lent = self.doors.chat.pool.acquire().await?;
            let found = list_after(&mut lent, room, user, after, AT_ONCE).await?;
            Ok::<_, sqlx::Error>((found, list_reads(&mut lent, room).await?))
        });
        let (found, reads) = reading.await?;
        let views = entries(&found, &Reads::new(reads), &self.doors.chat.pictures);
        Ok(found.into_iter().zip(views).collect())
    }

    /// Sends the newest messages of a room to a client that did not say what it knows; returns the number of the newest
    /// entry, 0 without any.
    pub(super) async fn send_history(&self, room: RoomId) -> Result<Seq, ApiError> {
        let user = self.connection.person.id;
        let reading = bounded(async {
            let mut lent = self.doors.chat.pool.acquire().await?;
            let found = list_before(&mut lent, room, user, Seq::MAX, HISTORY).await?;
            let room = find_room(&mut lent, user, room).await?;
            let Some(room) = room else { return Ok(None) };
            let reads = list_reads(&mut lent, room.id).await?;
            Ok::<_, sqlx::Error>(Some((room.number, found, reads)))
        });
        let Some((number, found, reads)) = reading.await? else { return Ok(0) };
        let (reads, urls) = (Reads::new(reads), &self.doors.chat.pictures);
        let messages = found.iter().rev().filter(|entry| entry.is_message());
        let messages = messages
            .map(|entry| ChatEvent::new(room, number, entry, reads.unread(entry.seq), urls))
            .collect();
        let history = History { room_id: number.to_string(), room, messages };
        self.connection.emit("history", &history);
        Ok(found.iter().map(|entry| entry.seq).max().unwrap_or_default())
    }
}
