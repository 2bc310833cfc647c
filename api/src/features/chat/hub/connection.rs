//! One client's connection: who it is, until when, and which rooms it follows.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use socketioxide::{SendError, SocketError};
use time::OffsetDateTime;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::features::chat::hints::Person;
use crate::features::chat::model::RoomId;
use crate::http::identity::SessionId;

/// Pause between two attempts to end a connection whose buffer is full.
const RETRY: Duration = Duration::from_secs(1);
/// Attempts to end it. The ping, which finds no room either, ends it in the meantime.
const RETRIES: u32 = 60;

/// Reason for which a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The client takes what it is sent too slowly.
    SlowReader,
    /// The client asks for too much.
    TooManyRequests,
    /// The access token has expired, and no other one came.
    TokenExpired,
    /// The session was revoked.
    SessionEnded,
}

impl Cut {
    /// The code and the text that the client is told.
    pub(crate) fn told(self) -> Trouble {
        let (code, message) = match self {
            Self::SlowReader => {
                ("slow_reader", "the connection takes messages too slowly; connect again and sync")
            }
            Self::TooManyRequests => ("rate_limited", "too many requests on this connection"),
            Self::TokenExpired => ("token_expired", "the access token has expired; refresh it"),
            Self::SessionEnded => ("unauthenticated", "the session was ended; sign in again"),
        };
        Trouble { code, message: message.to_owned() }
    }
}

/// An error as clients are told it, by ack or by the event `error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Trouble {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Identity of whoever opens a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) person: Person,
    /// `None`: a ticket of a former release.
    pub(crate) session: Option<SessionId>,
    /// When the token expires.
    pub(crate) expires_at: OffsetDateTime,
}

/// A connection.
pub(crate) struct Connection {
    socket: SocketRef,
    pub(crate) person: Person,
    pub(crate) session: Option<SessionId>,
    /// Unix seconds.
    expires_at: AtomicI64,
    /// Set once it was asked for another token.
    is_warned: AtomicBool,
    is_cut: AtomicBool,
    /// Follows rooms that its user joins.
    follows_all: AtomicBool,
    rooms: Mutex<HashSet<RoomId>>,
    beginning: Mutex<Beginning>,
    tasks: TaskTracker,
}

/// Rooms that a connection is about to follow: each by one task, which sends what was missed.
#[derive(Debug, Default)]
struct Beginning {
    rooms: HashSet<RoomId>,
    /// A sync says from where on rooms are followed; nothing else may begin meanwhile.
    is_syncing: bool,
    /// Rooms that were to be followed meanwhile.
    late: HashSet<RoomId>,
    /// Rooms of which the client has to sync more first.
    silent: HashSet<RoomId>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("person", &self.person).finish_non_exhaustive()
    }
}

impl Connection {
    /// Wraps a socket that was admitted.
    pub(crate) fn new(socket: SocketRef, identity: Identity, tasks: TaskTracker) -> Arc<Self> {
        Arc::new(Self {
            socket,
            person: identity.person,
            session: identity.session,
            expires_at: AtomicI64::new(identity.expires_at.unix_timestamp()),
            is_warned: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
            follows_all: AtomicBool::new(false),
            rooms: Mutex::default(),
            beginning: Mutex::default(),
            tasks,
        })
    }

    /// Identifier of the socket.
    pub(crate) fn id(&self) -> Sid {
        self.socket.id
    }

    /// Sends an event; ends the connection if its buffer is full. Never waits.
    pub(crate) fn emit<T: Serialize + ?Sized>(self: &Arc<Self>, event: &str, data: &T) {
        if self.is_cut() {
            return;
        }
        match self.socket.emit(event, data) {
            Err(SendError::Socket(SocketError::InternalChannelFull)) => self.cut(Cut::SlowReader),
            Err(error) => tracing::debug!(%error, event, "cannot emit"),
            Ok(()) => {}
        }
    }

    /// Tells why, and ends the connection.
    pub(crate) fn cut(self: &Arc<Self>, reason: Cut) {
        if self.is_cut.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::debug!(?reason, user = %self.person.id.0, "connection cut off");
        metrics::counter!("toneup_chat_cuts_total", "reason" => reason.told().code).increment(1);
        // Past the buffer, which may be full.
        if let Err(error) = self.socket.volatile().emit("error", &reason.told()) {
            tracing::debug!(%error, "cannot tell the reason");
        }
        let socket = self.socket.clone();
        self.tasks.spawn(async move {
            for _ in 0..RETRIES {
                // The reason first, and then the end.
                sleep(RETRY / 10).await;
                if socket.clone().disconnect().is_ok() {
                    return;
                }
                sleep(RETRY).await;
            }
        });
    }

    /// Forgets the socket, whose transport is closed.
    pub(crate) fn end(&self) {
        if let Err(error) = self.socket.clone().disconnect() {
            tracing::debug!(%error, "cannot end a connection");
        }
    }

    /// Returns true once it was cut off.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed)
    }

    /// When the token expires, in Unix seconds.
    pub(crate) fn expires_at(&self) -> i64 {
        self.expires_at.load(Ordering::Relaxed)
    }

    /// Takes another token's expiry.
    pub(crate) fn renew(&self, expires_at: OffsetDateTime) {
        self.expires_at.store(expires_at.unix_timestamp(), Ordering::Relaxed);
        self.is_warned.store(false, Ordering::Relaxed);
    }

    /// Returns true the first time: the client is to be asked for another token.
    pub(crate) fn warn_once(&self) -> bool {
        !self.is_warned.swap(true, Ordering::Relaxed)
    }

    /// From now on it follows rooms that its user joins.
    pub(crate) fn follow_all(&self) {
        self.follows_all.store(true, Ordering::Relaxed);
    }

    /// Returns true if it follows rooms that its user joins.
    pub(crate) fn follows_all(&self) -> bool {
        self.follows_all.load(Ordering::Relaxed)
    }

    /// The rooms that it follows.
    pub(crate) fn rooms(&self) -> MutexGuard<'_, HashSet<RoomId>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true once nothing can be sent any more.
    pub(crate) fn is_over(&self) -> bool {
        self.is_cut() || !self.socket.connected()
    }

    /// Returns true if following a room may begin now: it is not followed, nor about to be. During a sync the room is kept for
    /// its end.
    pub(super) fn may_begin(&self, room: RoomId) -> bool {
        let mut beginning = self.beginning();
        if beginning.is_syncing {
            beginning.late.insert(room);
            return false;
        }
        !beginning.silent.contains(&room)
            && !self.rooms().contains(&room)
            && beginning.rooms.insert(room)
    }

    /// These rooms are followed by another sync only.
    pub(crate) fn keep_silent(&self, rooms: HashSet<RoomId>) {
        self.beginning().silent = rooms;
    }

    /// The task that was about to follow a room has ended.
    pub(super) fn has_begun(&self, room: RoomId) {
        self.beginning().rooms.remove(&room);
    }

    /// Nothing but the sync begins to follow rooms from now on.
    pub(super) fn begin_sync(&self) {
        self.beginning().is_syncing = true;
    }

    /// The sync has ended; returns the rooms that were to be followed meanwhile.
    pub(super) fn end_sync(&self) -> HashSet<RoomId> {
        let mut beginning = self.beginning();
        beginning.is_syncing = false;
        std::mem::take(&mut beginning.late)
    }

    fn beginning(&self) -> MutexGuard<'_, Beginning> {
        self.beginning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
