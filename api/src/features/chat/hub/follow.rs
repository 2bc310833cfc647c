//! Beginning to follow a room: what was missed first, and then what comes, without a gap and without a repetition.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use toneup_platform::database::bounded;
use toneup_platform::retry::Backoff;

use super::Hub;
use super::connection::Connection;
use super::room::{Follower, OpenRoom};
use crate::features::chat::hints::Hint;
use crate::features::chat::model::{Entry, RoomId, Seq};
use crate::features::chat::socket_events::{ChatEvent, EntryEvent};
use crate::features::chat::store::log::list_after;
use crate::features::chat::store::read::{find_membership, list_reads};
use crate::http::problem::ApiError;

/// Entries of one read.
const AT_ONCE: u32 = 200;
/// Reads after which a connection that never comes to the end is left to sync again.
const MOST_READS: usize = 50;

/// Between attempts that fail.
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(2) };

/// The outcome of beginning to follow a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    /// The connection is sent what comes.
    Yes,
    /// The user is not in the room.
    NotAMember,
}

/// A sync under way; ends as it is dropped.
#[derive(Debug)]
pub(crate) struct Syncing {
    hub: Hub,
    connection: Arc<Connection>,
}

impl Drop for Syncing {
    fn drop(&mut self) {
        for room in self.connection.end_sync() {
            self.hub.spawn_follow(Arc::clone(&self.connection), room);
        }
    }
}

/// Keeps a room known while somebody is about to follow it.
struct Pin<'a> {
    hub: &'a Hub,
    open: Arc<OpenRoom>,
    connection: &'a Connection,
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        let is_idle = {
            let mut state = self.open.lock();
            state.pins -= 1;
            state.pins == 0 && state.followers.is_empty()
        };
        if is_idle {
            self.hub.unfollow(self.open.id, self.connection);
        }
    }
}

impl Hub {
    /// Follows a room from its user's first entry on, in a task of its own; unless it is followed, or about to be.
    pub(super) fn spawn_follow(&self, connection: Arc<Connection>, room: RoomId) {
        if !connection.may_begin(room) {
            return;
        }
        let hub = self.clone();
        self.0.tasks.spawn(async move {
            hub.follow_surely(&connection, room, 0).await;
            connection.has_begun(room);
        });
    }

    /// Follows a room as soon as the database lets it: the client has been told that it does.
    pub(crate) async fn follow_surely(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        mut sent: Seq,
    ) {
        for failures in 1.. {
            if connection.is_over() || self.0.draining.is_cancelled() {
                return;
            }
            match self.take_up(connection, room, &mut sent, false).await {
                Ok(_) | Err(ApiError::NotFound) => return,
                Err(error) => tracing::warn!(%error, "cannot follow a room yet"),
            }
            sleep(RETRY.pause(failures)).await;
        }
    }

    /// Begins a sync: until it ends, nothing else begins to follow rooms, which would send again what the sync answers.
    pub(crate) fn begin_sync(&self, connection: &Arc<Connection>) -> Syncing {
        connection.begin_sync();
        Syncing { hub: self.clone(), connection: Arc::clone(connection) }
    }

    /// Sends the connection the entries after `sent`, and from then on each new one. The user was in the room when the entry
    /// of that number was its newest or an older one. With `views` it shows the room, and so has read what it is sent.
    pub(crate) async fn follow(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        mut sent: Seq,
        views: bool,
    ) -> Result<Followed, ApiError> {
        self.take_up(connection, room, &mut sent, views).await
    }

    /// As [`Self::follow`]; `sent` says how far it has come, after an error too.
    async fn take_up(
        &self,
        connection: &Arc<Connection>,
        room: RoomId,
        sent: &mut Seq,
        views: bool,
    ) -> Result<Followed, ApiError> {
        let pin = self.pin(connection, room);
        let open = &pin.open;
        self.prepare(open).await?;
        for _ in 0..MOST_READS {
            if connection.is_over() || attach(open, connection, *sent, views) {
                self.tell_presence(connection.person, &[room], true);
                break;
            }
            let after = *sent;
            let reading = bounded(async {
                let mut lent = self.0.pool.acquire().await?;
                let user = connection.person.id;
                let entries = list_after(&mut lent, room, user, after, AT_ONCE).await?;
                // After the entries: whoever has left since is refused.
                let place = find_membership(&mut lent, room, user).await?;
                Ok::<_, sqlx::Error>(place.map(|place| (place, entries)))
            });
            let Some((place, entries)) = reading.await? else {
                return Ok(Followed::NotAMember);
            };
            // A number that is not there yet would hide what comes until then.
            *sent = entries.last().map_or(after.clamp(place.joined_seq, place.last_seq), |e| e.seq);
            self.emit_missed(open, connection, &entries);
        }
        if views {
            self.store_view(connection, room, *sent).await;
            let who = connection.person;
            self.tell(Hint::Viewing { room, who });
        }
        Ok(Followed::Yes)
    }

    /// Stops following a room.
    pub(crate) fn stop_following(&self, connection: &Arc<Connection>, room: RoomId) {
        connection.rooms().remove(&room);
        self.unfollow(room, connection);
    }

    fn pin<'a>(&'a self, connection: &'a Connection, room: RoomId) -> Pin<'a> {
        let mut rooms = self.lock();
        let open = rooms.entry(room).or_insert_with(|| Arc::new(OpenRoom::new(room)));
        open.lock().pins += 1;
        Pin { hub: self, open: Arc::clone(open), connection }
    }

    /// Reads once what is known of a room.
    async fn prepare(&self, open: &Arc<OpenRoom>) -> Result<(), ApiError> {
        let room = open.id;
        let reading = async {
            let reading = bounded(async {
                let mut lent = self.0.pool.acquire().await?;
                let head = sqlx::query!("SELECT number, last_seq FROM rooms WHERE id = ?", room)
                    .fetch_optional(&mut *lent)
                    .await?;
                Ok::<_, sqlx::Error>((head, list_reads(&mut lent, room).await?))
            });
            let (head, reads) = reading.await?;
            let head = head.ok_or(ApiError::NotFound)?;
            let mut state = open.lock();
            state.delivered = head.last_seq;
            for (user, seq) in reads {
                state.reads.mark(user, seq);
            }
            Ok::<_, ApiError>(head.number)
        };
        open.number.get_or_try_init(|| reading).await?;
        // Hints may have come meanwhile.
        let wanted = open.lock().wanted;
        self.hear_log(room, wanted);
        Ok(())
    }

    fn emit_missed(&self, open: &OpenRoom, connection: &Arc<Connection>, entries: &[Entry]) {
        let (room, number, urls) = (open.id, open.number(), &self.0.urls);
        for entry in entries {
            if entry.is_message() {
                let unread = open.lock().reads.unread(entry.seq);
                let event = ChatEvent::new(room, number, entry, unread, urls);
                connection.emit("chat", &event);
            } else {
                connection.emit("entry", &EntryEvent::new(room, number, entry, urls));
            }
        }
    }
}

/// Makes the connection a follower if it has been sent everything that others have; `false` if not. One that follows the
/// room already has been.
fn attach(open: &OpenRoom, connection: &Arc<Connection>, sent: Seq, views: bool) -> bool {
    let mut state = open.lock();
    if let Some(follower) = state.followers.get_mut(&connection.id()) {
        follower.sent = follower.sent.max(sent);
        follower.views |= views;
        return true;
    }
    if state.delivered > sent {
        return false;
    }
    let follower = Follower { connection: Arc::clone(connection), sent, views };
    state.followers.insert(connection.id(), follower);
    connection.rooms().insert(open.id);
    true
}
