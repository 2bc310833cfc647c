//! The connections of this replica by user, with a limit for each user and for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::gauge;
use toneup_platform::identity::UserId;

use super::connection::Connection;

/// The connections of this replica.
#[derive(Debug)]
pub(super) struct Registry {
    /// Connections of one user.
    per_user: usize,
    /// Connections of all users.
    most: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    count: usize,
    users: HashMap<UserId, Vec<Arc<Connection>>>,
}

impl Registry {
    /// Nobody is connected.
    pub(super) fn new(per_user: usize, most: usize) -> Self {
        Self { per_user, most, known: Mutex::default() }
    }

    /// Takes a connection in; `false` beyond a limit.
    pub(super) fn enter(&self, connection: &Arc<Connection>) -> bool {
        let mut known = self.lock();
        let held = known.users.get(&connection.person.id).map_or(0, Vec::len);
        if known.count >= self.most || held >= self.per_user {
            return false;
        }
        known.count += 1;
        known.users.entry(connection.person.id).or_default().push(Arc::clone(connection));
        report(known.count);
        true
    }

    /// Forgets a connection; `true` if it was its user's last.
    pub(super) fn leave(&self, connection: &Arc<Connection>) -> bool {
        let mut known = self.lock();
        let Some(held) = known.users.get_mut(&connection.person.id) else { return false };
        let before = held.len();
        held.retain(|other| !Arc::ptr_eq(other, connection));
        let (gone, is_last) = (before - held.len(), held.is_empty());
        if is_last {
            known.users.remove(&connection.person.id);
        }
        known.count -= gone;
        report(known.count);
        is_last
    }

    /// The connections of one user.
    pub(super) fn of(&self, user: UserId) -> Vec<Arc<Connection>> {
        self.lock().users.get(&user).cloned().unwrap_or_default()
    }

    /// All users who are connected.
    pub(super) fn users(&self) -> Vec<UserId> {
        self.lock().users.keys().copied().collect()
    }

    /// All connections.
    pub(super) fn all(&self) -> Vec<Arc<Connection>> {
        self.lock().users.values().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn report(count: usize) {
    gauge!("toneup_chat_connections").set(u32::try_from(count).unwrap_or(u32::MAX));
}
