//! Hints between replicas, through a channel of Redis of their own. They may be lost at any time: what is in the database is
//! also looked for by the clock, and the rest is of the moment.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toneup_platform::config::RedisConfig;
use toneup_platform::identity::UserId;
use toneup_platform::redis::{self as pubsub, Publisher};
use uuid::Uuid;

use super::model::{RoomId, Seq};

/// Something that other replicas may have to tell their clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "of")]
pub(crate) enum Hint {
    /// A room's log has grown to this number.
    Log {
        /// The room.
        room: RoomId,
        /// Number of the newest entry.
        seq: Seq,
        /// Users who are members from now on.
        joined: Vec<UserId>,
    },
    /// A member has read.
    Read(Mark),
    /// Several members have read up to the same entry.
    Reads {
        /// The room.
        room: RoomId,
        /// Number of the entry.
        seq: Seq,
        /// The members.
        who: Vec<Person>,
    },
    /// A member's client has received.
    Delivered(Mark),
    /// A member is writing, or no longer.
    Typing {
        /// The room.
        room: RoomId,
        /// The member.
        who: Person,
        /// False: no longer.
        typing: bool,
    },
    /// A member looks at the room.
    Viewing {
        /// The room.
        room: RoomId,
        /// The member.
        who: Person,
    },
    /// A member has come, or has gone, with all connections of a replica.
    Presence {
        /// The room.
        room: RoomId,
        /// The member.
        who: Person,
        /// False: has gone.
        online: bool,
    },
}

/// A person by both ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    /// The public number.
    pub(crate) number: u64,
}

/// How far a person has come in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) room: RoomId,
    pub(crate) who: Person,
    pub(crate) seq: Seq,
}

/// A hint with its origin, which needs no telling.
#[derive(Debug, Serialize, Deserialize)]
struct Envelope {
    from: Uuid,
    hint: Hint,
}

/// Sends hints to the other replicas. Cheap to clone; never waits.
#[derive(Debug, Clone)]
pub(crate) struct ChatHints {
    replica: Uuid,
    publisher: Publisher<Envelope>,
}

fn channel(config: &RedisConfig) -> String {
    format!("{}chat", config.redis_prefix)
}

impl ChatHints {
    /// Starts the sending task, which ends when the last handle is dropped.
    pub(crate) fn spawn(
        config: &RedisConfig,
        tasks: &TaskTracker,
    ) -> Result<Self, redis::RedisError> {
        let publisher = Publisher::spawn(config, channel(config), tasks)?;
        Ok(Self { replica: Uuid::now_v7(), publisher })
    }

    /// Queues a hint; drops it if Redis cannot keep up.
    pub(crate) fn send(&self, hint: Hint) {
        self.publisher.send([Envelope { from: self.replica, hint }]);
    }

    /// Receives the hints of other replicas until `draining`. `connected` reports whether they arrive.
    pub(crate) fn listen(
        &self,
        config: RedisConfig,
        connected: watch::Sender<bool>,
        draining: CancellationToken,
        mut on_hint: impl FnMut(Hint) + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let own = self.replica;
        let channels = vec![channel(&config)];
        pubsub::listen(config, channels, connected, draining, move |payload| {
            if let Ok(Envelope { from, hint }) = serde_json::from_slice(payload)
                && from != own
            {
                on_hint(hint);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_read_as_they_are_written() {
        let (room, who) = (RoomId::generate(), Person { id: UserId(Uuid::now_v7()), number: 7 });
        let mark = Mark { room, who, seq: 3 };
        for hint in [
            Hint::Log { room, seq: 9, joined: vec![who.id] },
            Hint::Read(mark),
            Hint::Reads { room, seq: 3, who: vec![who] },
            Hint::Delivered(mark),
            Hint::Typing { room, who, typing: true },
            Hint::Viewing { room, who },
            Hint::Presence { room, who, online: false },
        ] {
            let text = serde_json::to_string(&Envelope { from: who.id.0, hint: hint.clone() });
            let read: Envelope = serde_json::from_str(&text.unwrap()).unwrap();
            assert_eq!(read.hint, hint);
        }
    }
}
