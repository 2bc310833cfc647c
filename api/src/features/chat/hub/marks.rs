//! Read marks, gathered for each room: a message to many who look at it makes as many marks, which are stored together and
//! told together. The first are not kept waiting; those that follow within a moment share the next turn.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use toneup_platform::database::{bounded, retry_deadlock};
use toneup_platform::identity::UserId;

use super::connection::Connection;
use super::room::OpenRoom;
use super::{Hub, PRESENCE_ROOM};
use crate::features::chat::hints::{Hint, Mark, Person};
use crate::features::chat::model::{RoomId, Seq};
use crate::features::chat::socket_events::{MemberEvent, UnreadEvent};
use crate::features::chat::store::read::{Marked, mark_all_read, mark_read};

/// Time between two turns of a room.
const TURN: Duration = Duration::from_millis(250);
/// Messages whose counts a large room is told, the newest.
const MOST_COUNTS: Seq = 50;
/// Users of one statement, and of one hint.
const AT_ONCE: usize = 500;

/// The marks of one room that wait.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// How far those who look at the room have been sent it: to be stored.
    views: HashMap<UserId, (Person, Seq)>,
    storing: Turns,
    /// Marks that have moved: to be told to those who follow the room.
    moved: HashMap<UserId, Mark>,
    /// The lowest number whose count of unread has changed.
    lowest: Option<Seq>,
    telling: Turns,
}

/// The turns of a task.
#[derive(Debug, Default)]
struct Turns {
    last: Option<Instant>,
    is_running: bool,
}

impl Turns {
    /// Returns true if a task is to be started.
    fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.is_running, true)
    }

    /// Time until the next turn.
    fn wait(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| TURN.saturating_sub(last.elapsed()))
    }
}

impl Hub {
    /// Whoever shows the room has read what was sent: stored, and told to the others.
    pub(super) fn note_viewers(
        &self,
        open: &Arc<OpenRoom>,
        viewers: &[Arc<Connection>],
        last: Option<Seq>,
    ) {
        let Some(seq) = last.filter(|_| !viewers.is_empty()) else { return };
        let mut state = open.lock();
        for viewer in viewers {
            state.gathered.views.insert(viewer.person.id, (viewer.person, seq));
        }
        if state.gathered.storing.begin() {
            self.0.tasks.spawn(self.clone().store_views(Arc::clone(open)));
        }
    }

    async fn store_views(self, open: Arc<OpenRoom>) {
        loop {
            let wait = open.lock().gathered.storing.wait();
            sleep(wait).await;
            let views = {
                let gathered = &mut open.lock().gathered;
                gathered.storing.last = Some(Instant::now());
                gathered.storing.is_running = !gathered.views.is_empty();
                std::mem::take(&mut gathered.views)
            };
            if views.is_empty() {
                return;
            }
            let mut by_seq: BTreeMap<Seq, Vec<Person>> = BTreeMap::new();
            for (person, seq) in views.into_values() {
                by_seq.entry(seq).or_default().push(person);
            }
            for (seq, people) in by_seq {
                for some in people.chunks(AT_ONCE) {
                    self.store_some(open.id, seq, some).await;
                }
            }
        }
    }

    async fn store_some(&self, room: RoomId, seq: Seq, people: &[Person]) {
        let users: Vec<UserId> = people.iter().map(|person| person.id).collect();
        let marking = retry_deadlock(|| {
            self.0.pool.in_transaction(async |conn| mark_all_read(conn, room, &users, seq).await)
        });
        match bounded(marking).await {
            Ok(None) => {}
            Ok(Some((seq, moved))) => {
                let who: Vec<Person> =
                    people.iter().filter(|person| moved.contains(&person.id)).copied().collect();
                match who[..] {
                    [] => {}
                    [who] => self.tell(Hint::Read(Mark { room, who, seq })),
                    _ => self.tell(Hint::Reads { room, seq, who }),
                }
            }
            // The messages stay unread until the room is shown again.
            Err(error) => tracing::warn!(%error, "cannot store what was read"),
        }
    }

    /// Stores that a connection's user has read a room up to an entry, and tells the others.
    pub(super) async fn store_view(&self, viewer: &Arc<Connection>, room: RoomId, seq: Seq) {
        let who = viewer.person;
        let marking = bounded(async {
            mark_read(&mut *self.0.pool.acquire().await?, room, who.id, seq).await
        });
        match marking.await {
            Ok(Some(marked)) => self.announce_read(room, who, marked),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "cannot store what was read"),
        }
    }

    /// Tells everybody of a mark that has moved, also where it is known here already.
    pub(crate) fn announce_read(&self, room: RoomId, who: Person, marked: Marked) {
        if marked.has_moved {
            let mark = Mark { room, who, seq: marked.place.read_seq };
            self.tell(Hint::Read(mark));
        }
    }

    /// Hears that members have read a room up to an entry.
    pub(super) fn hear_reads(&self, room: RoomId, seq: Seq, who: &[Person]) {
        let Some(open) = self.find(room) else { return };
        let mut state = open.lock();
        let mut has_moved = false;
        for &who in who {
            let before = state.reads.of(who.id);
            if open.number.initialized() && before.is_none() {
                continue;
            }
            has_moved = true;
            state.gathered.moved.insert(who.id, Mark { room, who, seq });
            if state.reads.mark(who.id, seq) {
                let first = before.unwrap_or_default() + 1;
                let lowest = state.gathered.lowest.map_or(first, |lowest| lowest.min(first));
                state.gathered.lowest = Some(lowest);
            }
        }
        if has_moved && state.gathered.telling.begin() {
            drop(state);
            self.0.tasks.spawn(self.clone().tell_marks(open));
        }
    }

    async fn tell_marks(self, open: Arc<OpenRoom>) {
        loop {
            let wait = open.lock().gathered.telling.wait();
            sleep(wait).await;
            let mut state = open.lock();
            state.gathered.telling.last = Some(Instant::now());
            state.gathered.telling.is_running = !state.gathered.moved.is_empty();
            let moved = std::mem::take(&mut state.gathered.moved);
            let lowest = state.gathered.lowest.take();
            if moved.is_empty() {
                return;
            }
            if state.reads.members() <= PRESENCE_ROOM {
                for mark in moved.into_values() {
                    let event = MemberEvent::mark(open.number(), mark);
                    for connection in state.others(mark.who.id) {
                        connection.emit("read", &event);
                    }
                }
            } else if let Some(lowest) = lowest {
                // As many events as members, not as many as members times readers.
                let newest = state.delivered;
                let counts = lowest.max(newest.saturating_sub(MOST_COUNTS - 1))..=newest;
                let counts = counts.map(|seq| (seq, state.reads.unread(seq))).collect();
                let event = UnreadEvent::new(open.id, open.number(), counts);
                for follower in state.followers.values() {
                    follower.connection.emit("unread", &event);
                }
            }
        }
    }
}
