//! Reading what is new in a room's log, and sending it to those who follow the room.

use std::sync::Arc;
use std::time::Duration;

use metrics::histogram;
use serde_json::value::to_raw_value;
use time::OffsetDateTime;
use tokio::time::sleep;
use toneup_platform::database::bounded;
use toneup_platform::identity::UserId;
use toneup_platform::retry::Backoff;

use super::Hub;
use super::connection::Connection;
use super::room::{OpenRoom, RoomState};
use crate::features::chat::model::{Entry, JOINED, LEFT, REMOVED};
use crate::features::chat::socket_events::{ChatEvent, EntryEvent};
use crate::features::chat::store::log::list_new;
use crate::features::chat::words::left_room;

/// Entries of one read.
const AT_ONCE: u32 = 200;
/// Between reads that fail.
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(2) };

impl Hub {
    /// Starts the task that reads a room's log; its state says already that there is one.
    pub(super) fn spawn_reader(&self, open: Arc<OpenRoom>) {
        let hub = self.clone();
        self.0.tasks.spawn(async move {
            let draining = hub.0.draining.clone();
            draining.run_until_cancelled(hub.read(open)).await;
        });
    }

    async fn read(&self, open: Arc<OpenRoom>) {
        let mut failures = 0;
        loop {
            let from = {
                let mut state = open.lock();
                if state.delivered >= state.wanted || state.followers.is_empty() {
                    state.delivered = state.delivered.max(state.wanted);
                    state.is_reading = false;
                    return;
                }
                state.delivered
            };
            let reading = bounded(async {
                list_new(&mut *self.0.pool.acquire().await?, open.id, from, AT_ONCE).await
            });
            match reading.await {
                Ok(entries) if entries.is_empty() => {
                    // A hint of something that is not there.
                    let mut state = open.lock();
                    state.wanted = state.wanted.min(state.delivered);
                    state.is_reading = false;
                    return;
                }
                Ok(entries) => {
                    failures = 0;
                    let viewers = self.send(&open, &entries);
                    self.note_viewers(&open, &viewers, entries.last().map(|entry| entry.seq));
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, "cannot read a room's log");
                    sleep(RETRY.pause(failures)).await;
                }
            }
        }
    }

    /// Sends entries to all who follow the room; returns the connections that show it.
    fn send(&self, open: &OpenRoom, entries: &[Entry]) -> Vec<Arc<Connection>> {
        let mut state = open.lock();
        let viewers = state.viewers();
        let from = state.delivered;
        for entry in entries.iter().filter(|entry| entry.seq > from) {
            note(&mut state, entry, &viewers);
            self.send_one(open, &mut state, entry);
            state.delivered = entry.seq;
        }
        state.wanted = state.wanted.max(state.delivered);
        if let Some(last) = entries.last() {
            let age = OffsetDateTime::now_utc() - last.sent_at;
            histogram!("toneup_chat_delivery_seconds").record(age.as_seconds_f64().max(0.0));
        }
        viewers
    }

    fn send_one(&self, open: &OpenRoom, state: &mut RoomState, entry: &Entry) {
        let (room, number) = (open.id, open.number());
        let unread = state.reads.unread(entry.seq);
        // Written once, whoever follows.
        let (name, written) = if entry.is_message() {
            let event = ChatEvent::new(room, number, entry, unread, &self.0.urls);
            ("chat", to_raw_value(&event))
        } else {
            ("entry", to_raw_value(&EntryEvent::new(room, number, entry, &self.0.urls)))
        };
        let written = match written {
            Ok(written) => written,
            Err(error) => return tracing::error!(%error, "cannot write an entry"),
        };
        let gone = (entry.kind == LEFT || entry.kind == REMOVED).then_some(entry.subject_id);
        let gone = gone.flatten();
        let left = left_room(entry.subject_nickname.as_deref());
        for follower in state.followers.values_mut().filter(|one| one.sent < entry.seq) {
            follower.connection.emit(name, &(&written,));
            if gone.is_some() {
                follower.connection.emit("leaveRoom", &left);
            }
            follower.sent = entry.seq;
        }
        if let Some(user) = gone {
            take_out(open, state, user);
        }
    }
}

/// What an entry says about members and their marks.
fn note(state: &mut RoomState, entry: &Entry, viewers: &[Arc<Connection>]) {
    if entry.kind == JOINED
        && let Some(user) = entry.subject_id
    {
        state.reads.mark(user, entry.seq - 1);
    }
    let sender = entry.sender_id.filter(|_| entry.is_message());
    if let Some(sender) = sender {
        // Also of whom a message brought back into a direct room.
        state.reads.mark(sender, entry.seq);
    }
    for viewer in viewers {
        if state.reads.of(viewer.person.id).is_some() {
            state.reads.mark(viewer.person.id, entry.seq);
        }
    }
}

/// Whoever has left is sent nothing more.
fn take_out(open: &OpenRoom, state: &mut RoomState, user: UserId) {
    state.reads.remove(user);
    state.followers.retain(|_, follower| {
        let stays = follower.connection.person.id != user;
        if !stays {
            follower.connection.rooms().remove(&open.id);
        }
        stays
    });
}
