//! What a member saw, and what it was told of its own messages.

use std::collections::BTreeMap;

/// Breaks whose reasons are kept.
const MOST_REASONS: usize = 5;

/// An entry of a room's log, or a message of the peer's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Number of the entry.
    pub(crate) seq: u64,
    /// Text of the message, which is its key.
    pub(crate) key: String,
}

/// A message that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acked {
    pub(crate) room: String,
    pub(crate) key: String,
    pub(crate) seq: u64,
}

/// The diary of a member.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diary {
    /// Entries by room, in the order of arrival.
    pub(crate) seen: BTreeMap<String, Vec<Seen>>,
    /// Highest number seen of each room.
    pub(crate) last: BTreeMap<String, u64>,
    pub(crate) acked: Vec<Acked>,
    /// Final refusals.
    pub(crate) refused: Vec<String>,
    /// The message that was never answered.
    pub(crate) unanswered: Option<String>,
    /// Connections that were opened.
    pub(crate) connections: usize,
    /// Reasons of some connections that broke or could not be opened.
    pub(crate) breaks: Vec<String>,
}

impl Diary {
    /// An empty diary of a member of these rooms.
    pub(crate) fn new(rooms: &[String]) -> Self {
        let seen = rooms.iter().map(|room| (room.clone(), Vec::new())).collect();
        let last = rooms.iter().map(|room| (room.clone(), 0)).collect();
        Self { seen, last, ..Self::default() }
    }

    /// Notes an entry.
    pub(crate) fn see(&mut self, room: &str, seen: Seen) {
        let last = self.last.entry(room.to_owned()).or_default();
        *last = seen.seq.max(*last);
        self.seen.entry(room.to_owned()).or_default().push(seen);
    }

    /// Notes why a connection broke.
    pub(crate) fn note_break(&mut self, error: &anyhow::Error) {
        if self.breaks.len() < MOST_REASONS {
            self.breaks.push(format!("{error:#}"));
        }
    }
}
