//! Beginning to follow a room: what was missed first, and then what comes, without a gap and without a repetition.

use std::sync::Arc;

use toneup_platform::database::bounded;

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

/// The outcome of beginning to follow a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Followed {
    /// The connection is sent what comes.
    Yes,
    /// The user is not in the room.
    NotAMember,
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
    /// Follows a room in a task of its own.
    pub(super) fn spawn_follow(&self, connection: Arc<Connection>, room: RoomId) {
        let hub = self.clone();
        self.0.tasks.spawn(async move {
            if let Err(error) = hub.follow(&connection, room, 0, false).await {
                tracing::warn!(%error, "cannot follow a room");
            }
        });
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
        let pin = self.pin(connection, room);
        let open = &pin.open;
        self.prepare(open).await?;
        for _ in 0..MOST_READS {
            if connection.is_cut() || attach(open, connection, sent, views) {
                self.tell_presence(connection.person, &[room], true);
                break;
            }
            let reading = bounded(async {
                let mut lent = self.0.pool.acquire().await?;
                let user = connection.person.id;
                let entries = list_after(&mut lent, room, user, sent, AT_ONCE).await?;
                // After the entries: whoever has left since is refused.
                let place = find_membership(&mut lent, room, user).await?;
                Ok::<_, sqlx::Error>(place.map(|place| (place, entries)))
            });
            let Some((place, entries)) = reading.await? else {
                return Ok(Followed::NotAMember);
            };
            // A number that is not there yet would hide what comes until then.
            sent = entries.last().map_or(sent.clamp(place.joined_seq, place.last_seq), |e| e.seq);
            self.emit_missed(open, connection, &entries);
        }
        if views {
            self.store_view(connection, room, sent).await;
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
