//! The events of a client from the moment at which it may send some. The handler of a connection runs in a task of its own,
//! and a client need not wait for it: whatever comes first is kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use socketioxide::extract::{AckSender, Event, SocketRef, TryData};

use super::answer::{Reply, WantsAck};
use super::session::{Asked, MOST_WAITING, Session};

/// Where a client's events go. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Mailbox(Arc<Mutex<Contents>>);

#[derive(Default)]
struct Contents {
    session: Option<Arc<Session>>,
    /// Events before there was a session.
    early: Vec<Asked>,
}

impl Mailbox {
    /// Takes the events of a socket that is being admitted, in their order: only what comes after is left to a task.
    pub(super) fn receive(socket: &SocketRef) -> Self {
        let mailbox = Self::default();
        let filled = mailbox.clone();
        socket.on_fallback(
            move |Event(event): Event,
                  TryData(data): TryData<Value>,
                  wanted: WantsAck,
                  ack: AckSender| {
                let data = data.unwrap_or(Value::Null);
                filled.put(Asked { event, data, reply: Reply { ack, wanted } });
                std::future::ready(())
            },
        );
        mailbox
    }

    /// Hands everything to a session from now on.
    pub(super) fn open(&self, session: &Arc<Session>) {
        let mut contents = self.lock();
        for asked in contents.early.drain(..) {
            session.push(asked);
        }
        contents.session = Some(Arc::clone(session));
    }

    fn put(&self, asked: Asked) {
        let mut contents = self.lock();
        match &contents.session {
            Some(session) => session.push(asked),
            // A client that does not wait for its first answers is no client of ours.
            None if contents.early.len() >= MOST_WAITING => {}
            None => contents.early.push(asked),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the events of a socket. Its handler holds the session, which holds the socket: it is taken away.
pub(super) fn close(socket: &SocketRef) {
    socket.on_fallback(async || {});
}
