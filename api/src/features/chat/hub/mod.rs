//! The connections of this replica, and the delivery of rooms' logs to them.
//!
//! A hint says that a log has grown; the replica reads what is new once and sends it to all its connections that follow the
//! room, in the order of the numbers. The numbers have no gaps, so that a hint that was lost shows at the next one, or when
//! the replica looks by the clock.

mod connection;
mod deliver;
mod follow;
mod look;
mod marks;
mod presence;
mod registry;
mod room;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;

pub(crate) use self::connection::{Connection, Cut, Identity, Trouble};
pub(crate) use self::follow::Followed;
pub(crate) use self::presence::Presence;
use self::registry::Registry;
use self::room::OpenRoom;
use super::hints::{ChatHints, Hint, Mark, Person};
use super::model::{RoomId, Seq};
use super::socket_events::{JoinRoomEvent, MemberEvent};
use crate::features::pictures::PictureUrls;

/// Members of a room up to which they are told who comes, goes, writes and has received.
const PRESENCE_ROOM: usize = 100;

/// The connections of this replica and the rooms that they follow. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Database,
    urls: PictureUrls,
    hints: ChatHints,
    registry: Registry,
    presence: Presence,
    rooms: Mutex<HashMap<RoomId, Arc<OpenRoom>>>,
    /// Whether hints arrive.
    hinted: watch::Receiver<bool>,
    tasks: TaskTracker,
    draining: CancellationToken,
}

/// What the hub is built on.
#[derive(Debug)]
pub(crate) struct HubParts {
    pub(crate) pool: Database,
    pub(crate) urls: PictureUrls,
    pub(crate) hints: ChatHints,
    pub(crate) presence: Presence,
    /// Connections of one user.
    pub(crate) per_user: usize,
    /// Connections of all users.
    pub(crate) most: usize,
    /// Whether hints arrive.
    pub(crate) hinted: watch::Receiver<bool>,
    pub(crate) tasks: TaskTracker,
    pub(crate) draining: CancellationToken,
}

impl Hub {
    /// Starts to look by the clock, until `draining`.
    pub(crate) fn start(parts: HubParts) -> Self {
        let hub = Self(Arc::new(Inner {
            pool: parts.pool,
            urls: parts.urls,
            hints: parts.hints,
            presence: parts.presence,
            registry: Registry::new(parts.per_user, parts.most),
            rooms: Mutex::default(),
            hinted: parts.hinted,
            tasks: parts.tasks.clone(),
            draining: parts.draining,
        }));
        parts.tasks.spawn(hub.clone().look());
        hub
    }

    /// Takes a connection in; `false` if its user, or the replica, holds as many as may be.
    pub(crate) fn enter(&self, connection: &Arc<Connection>) -> bool {
        let entered = self.0.registry.enter(connection);
        if entered {
            let (hub, user) = (self.clone(), connection.person.id);
            self.0.tasks.spawn(async move { hub.0.presence.say(&[user]).await });
        }
        entered
    }

    /// Forgets a connection.
    pub(crate) fn leave(&self, connection: &Arc<Connection>) {
        let rooms: Vec<RoomId> = connection.rooms().drain().collect();
        let is_last = self.0.registry.leave(connection);
        if is_last {
            self.tell_presence(connection.person, &rooms, false);
            let (hub, user) = (self.clone(), connection.person.id);
            self.0.tasks.spawn(async move { hub.0.presence.take_back(user).await });
        }
        for room in &rooms {
            self.unfollow(*room, connection);
        }
    }

    /// Says again who is connected here, when it is time.
    pub(crate) async fn refresh_presence(&self) {
        if self.0.presence.is_due() {
            let users: Vec<UserId> = self.0.registry.users();
            self.0.presence.say(&users).await;
        }
    }

    /// The members of a room that is followed here who are connected to any replica; of a large room, of the first hundred.
    pub(crate) async fn online(&self, room: RoomId) -> Vec<UserId> {
        let Some(open) = self.find(room) else { return Vec::new() };
        let members: Vec<UserId> =
            open.lock().reads.iter().map(|(user, _)| user).take(PRESENCE_ROOM).collect();
        self.online_of(members).await
    }

    /// Those of some users who are connected to any replica.
    pub(crate) async fn online_of(&self, members: Vec<UserId>) -> Vec<UserId> {
        let elsewhere = self.0.presence.ask(&members).await;
        let online = members
            .into_iter()
            .zip(elsewhere)
            .filter(|(user, elsewhere)| *elsewhere || !self.0.registry.of(*user).is_empty());
        online.map(|(user, _)| user).collect()
    }

    /// All connections.
    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.0.registry.all()
    }

    /// Hears of a change that this replica has made, and tells the others.
    pub(crate) fn tell(&self, hint: Hint) {
        self.hear(hint.clone());
        self.0.hints.send(hint);
    }

    /// Hears of a change, this replica's or another's.
    pub(crate) fn hear(&self, hint: Hint) {
        match hint {
            Hint::Log { room, seq, joined } => {
                self.note_joined(room, &joined);
                self.hear_log(room, seq);
                for user in joined {
                    for connection in self.0.registry.of(user) {
                        if connection.follows_all() {
                            self.spawn_follow(connection, room);
                        }
                    }
                }
            }
            Hint::Read(Mark { room, who, seq }) => self.hear_reads(room, seq, &[who]),
            Hint::Reads { room, seq, who } => self.hear_reads(room, seq, &who),
            Hint::Delivered(mark) => {
                self.emit_to_others(mark.room, mark.who, "delivered", |number| {
                    MemberEvent::mark(number, mark)
                });
            }
            Hint::Typing { room, who, typing } => {
                self.emit_to_others(room, who, "typing", |number| {
                    MemberEvent::typing(room, number, who, typing)
                });
            }
            Hint::Presence { room, who, online } => {
                self.emit_to_others(room, who, "presence", |number| {
                    MemberEvent::presence(room, number, who, online)
                });
            }
            Hint::Viewing { room, who } => self.hear_viewing(room, who),
        }
    }

    fn hear_log(&self, room: RoomId, seq: Seq) {
        let Some(open) = self.find(room) else { return };
        let mut state = open.lock();
        state.wanted = state.wanted.max(seq);
        if !state.is_reading && open.number.initialized() && state.wanted > state.delivered {
            state.is_reading = true;
            drop(state);
            self.spawn_reader(open);
        }
    }

    /// Adds members whom no entry of the log names: those whom a message brought back.
    fn note_joined(&self, room: RoomId, joined: &[UserId]) {
        let Some(open) = self.find(room).filter(|_| !joined.is_empty()) else { return };
        let mut state = open.lock();
        let seq = state.delivered;
        for user in joined {
            state.reads.mark(*user, seq);
        }
    }

    /// Old clients are told with the event `joinRoom`, whoever comes included; of a large room, only whoever comes.
    fn hear_viewing(&self, room: RoomId, who: Person) {
        let Some(open) = self.find(room) else { return };
        let event = JoinRoomEvent::new(room, open.number(), who);
        let state = open.lock();
        let is_small = state.reads.members() <= PRESENCE_ROOM;
        for follower in state.followers.values() {
            if is_small || follower.connection.person.id == who.id {
                follower.connection.emit("joinRoom", &event);
            }
        }
    }

    fn emit_to_others(
        &self,
        room: RoomId,
        who: Person,
        name: &str,
        event: impl Fn(u64) -> MemberEvent,
    ) {
        let Some(open) = self.find(room) else { return };
        let event = event(open.number());
        let state = open.lock();
        // Whoever has left meanwhile is nobody's business any more.
        if state.reads.of(who.id).is_some() {
            for connection in state.others(who.id) {
                connection.emit(name, &event);
            }
        }
    }

    /// Tells small rooms that a user has come or gone.
    fn tell_presence(&self, who: Person, rooms: &[RoomId], online: bool) {
        for room in rooms {
            self.tell_if_small(*room, Hint::Presence { room: *room, who, online });
        }
    }

    /// Tells a small room of something of the moment. In a large one that many do it would be more than all they write.
    pub(crate) fn tell_if_small(&self, room: RoomId, hint: Hint) {
        if self.find(room).is_none_or(|open| open.lock().reads.members() <= PRESENCE_ROOM) {
            self.tell(hint);
        }
    }

    fn find(&self, room: RoomId) -> Option<Arc<OpenRoom>> {
        self.lock().get(&room).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<OpenRoom>>> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops sending a room's log to a connection; forgets a room that nobody follows.
    fn unfollow(&self, room: RoomId, connection: &Connection) {
        let mut rooms = self.lock();
        let Some(open) = rooms.get(&room) else { return };
        let mut state = open.lock();
        state.followers.remove(&connection.id());
        let is_over = state.followers.is_empty() && state.pins == 0;
        drop(state);
        if is_over {
            rooms.remove(&room);
        }
    }
}
