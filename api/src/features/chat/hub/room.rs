//! A room that somebody on this replica follows: who, and how far each has come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use socketioxide::socket::Sid;
use tokio::sync::OnceCell;
use toneup_platform::identity::UserId;

use super::connection::Connection;
use super::marks::Gathered;
use crate::features::chat::model::{RoomId, Seq};
use crate::features::chat::unread::Reads;

/// A connection that follows a room.
#[derive(Debug, Clone)]
pub(crate) struct Follower {
    pub(crate) connection: Arc<Connection>,
    /// Number of the last entry that it was sent.
    pub(crate) sent: Seq,
    /// It shows the room, and so has read what it was sent.
    pub(crate) views: bool,
}

/// What is known of a room.
#[derive(Debug, Default)]
pub(crate) struct RoomState {
    /// Number of the last entry that was read and sent.
    pub(crate) delivered: Seq,
    /// Number of the newest entry that was heard of.
    pub(crate) wanted: Seq,
    /// A task reads the log.
    pub(crate) is_reading: bool,
    pub(crate) followers: HashMap<Sid, Follower>,
    pub(crate) reads: Reads,
    /// Marks that wait to be stored and told.
    pub(crate) gathered: Gathered,
    /// Tasks that are about to follow: the room stays known.
    pub(crate) pins: usize,
}

/// A room that is followed.
#[derive(Debug)]
pub(crate) struct OpenRoom {
    pub(crate) id: RoomId,
    /// The public number, once it is read.
    pub(crate) number: OnceCell<u64>,
    state: Mutex<RoomState>,
}

impl OpenRoom {
    /// A room of which nothing is known yet.
    pub(crate) fn new(id: RoomId) -> Self {
        Self { id, number: OnceCell::new(), state: Mutex::default() }
    }

    /// Locks its state; never across a wait.
    pub(crate) fn lock(&self) -> MutexGuard<'_, RoomState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The public number as events have it.
    pub(crate) fn number(&self) -> u64 {
        self.number.get().copied().unwrap_or_default()
    }
}

impl RoomState {
    /// The connections of all followers but one user's.
    pub(crate) fn others(&self, user: UserId) -> impl Iterator<Item = &Arc<Connection>> {
        let connections = self.followers.values().map(|follower| &follower.connection);
        connections.filter(move |connection| connection.person.id != user)
    }

    /// Users who show the room on this replica.
    pub(crate) fn viewers(&self) -> Vec<Arc<Connection>> {
        let viewing = self.followers.values().filter(|follower| follower.views);
        viewing.map(|follower| Arc::clone(&follower.connection)).collect()
    }
}
