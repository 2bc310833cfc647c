//! Limits on open event streams, per user and per replica. Each stream holds a connection and some memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use toneup_platform::identity::UserId;

use super::problems::too_many_streams;
use crate::http::problem::ApiError;

/// The streams that are open on this replica. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct StreamSlots(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    per_user: u32,
    per_replica: u32,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: u32,
    of_user: HashMap<UserId, u32>,
}

/// Room for one stream, until it is dropped.
#[derive(Debug)]
pub(super) struct StreamSlot {
    slots: StreamSlots,
    user: Option<UserId>,
}

impl StreamSlots {
    pub(super) fn new(per_user: u32, per_replica: u32) -> Self {
        Self(Arc::new(Shared { per_user, per_replica, open: Mutex::default() }))
    }

    /// Takes room on this replica, before anything is known of the user: another replica may have some.
    pub(super) fn enter(&self) -> Result<StreamSlot, ApiError> {
        let mut open = self.lock();
        if open.total >= self.0.per_replica {
            return Err(ApiError::Unavailable(anyhow::anyhow!(
                "as many streams as may be are open"
            )));
        }
        open.total += 1;
        Ok(StreamSlot { slots: self.clone(), user: None })
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamSlot {
    /// Takes room among the user's.
    pub(super) fn of(mut self, user: UserId) -> Result<Self, ApiError> {
        let most = self.slots.0.per_user;
        let mut open = self.slots.lock();
        let count = open.of_user.get(&user).copied().unwrap_or_default();
        if count >= most {
            return Err(too_many_streams(most));
        }
        open.of_user.insert(user, count + 1);
        drop(open);
        self.user = Some(user);
        Ok(self)
    }
}

impl Drop for StreamSlot {
    fn drop(&mut self) {
        let mut open = self.slots.lock();
        open.total -= 1;
        let Some(user) = self.user else { return };
        if let Some(count) = open.of_user.get_mut(&user) {
            *count -= 1;
            if *count == 0 {
                open.of_user.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_user_and_a_replica_have_so_many_and_leave_nothing_behind() {
        let slots = StreamSlots::new(2, 3);
        let (alice, bob) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
        let open = |user| slots.enter()?.of(user);
        let of_alice = [open(alice).unwrap(), open(alice).unwrap()];
        let third = open(alice).unwrap_err();
        assert_eq!((third.kind().status.as_u16(), third.kind().code), (429, "too_many_streams"));
        let of_bob = open(bob).unwrap();
        assert_eq!(slots.enter().unwrap_err().kind().status.as_u16(), 503);
        drop(of_alice);
        assert!(open(alice).is_ok());
        drop(of_bob);
        let open = slots.lock();
        assert_eq!((open.total, open.of_user.len()), (0, 0));
    }
}
