//! Waking whoever waits for an analysis, when a hint from Redis or a look by the clock (`fallback_poll.rs`) says so.
//!
//! A watch never carries what changed; whoever is woken reads the database. So a lost, late or repeated hint does no harm.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use toneup_platform::identity::UserId;

type Topics = Mutex<HashMap<UserId, watch::Sender<()>>>;

/// All who wait on this replica, by user. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watchers {
    topics: Arc<Topics>,
    hinted: watch::Receiver<bool>,
}

impl Watchers {
    /// Nobody waits yet. The listener of hints says through the sender whether hints come.
    pub fn new() -> (Self, watch::Sender<bool>) {
        let (connected, hinted) = watch::channel(false);
        (Self { topics: Arc::default(), hinted }, connected)
    }

    /// Returns true if hints arrive.
    pub fn are_hinted(&self) -> bool {
        *self.hinted.borrow()
    }

    /// Waits until hints come.
    pub async fn until_hinted(&self) {
        drop(self.hinted.clone().wait_for(|hinted| *hinted).await);
    }

    /// Starts to watch a user's analyses. Subscribe first, then read: what changes in between wakes the watch.
    pub fn subscribe(&self, user: UserId) -> Watch {
        let changes = self.lock().entry(user).or_insert_with(|| watch::channel(()).0).subscribe();
        Watch { user, changes, topics: Arc::clone(&self.topics) }
    }

    /// Those whose analyses are watched.
    pub(super) fn users(&self) -> Vec<UserId> {
        self.lock().keys().copied().collect()
    }

    /// Says when hints begin to come or cease.
    pub(super) fn hinted(&self) -> watch::Receiver<bool> {
        self.hinted.clone()
    }

    /// Wakes everyone who watches `user`.
    pub fn wake(&self, user: UserId) {
        if let Some(topic) = self.lock().get(&user) {
            topic.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, watch::Sender<()>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One waiter's view of a user's analyses.
#[derive(Debug)]
pub struct Watch {
    user: UserId,
    changes: watch::Receiver<()>,
    topics: Arc<Topics>,
}

impl Watch {
    /// Waits until it is worth reading again.
    pub async fn changed(&mut self) {
        // The sender lives at least as long as this watch.
        drop(self.changes.changed().await);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        // This watch still counts as one.
        if topics.get(&self.user).is_some_and(|topic| topic.receiver_count() <= 1) {
            topics.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use uuid::Uuid;

    use super::*;

    fn user() -> UserId {
        UserId(Uuid::now_v7())
    }

    #[tokio::test(start_paused = true)]
    async fn a_hint_between_subscribing_and_waiting_is_not_missed() {
        let (watchers, _connected) = Watchers::new();
        let someone = user();
        let mut watch = watchers.subscribe(someone);
        watchers.wake(someone);
        timeout(Duration::from_millis(1), watch.changed()).await.expect("woken at once");
    }

    #[tokio::test(start_paused = true)]
    async fn another_users_hint_wakes_nobody() {
        let (watchers, _connected) = Watchers::new();
        let mut watch = watchers.subscribe(user());
        watchers.wake(user());
        assert!(timeout(Duration::from_mins(1), watch.changed()).await.is_err());
    }

    #[test]
    fn the_last_watch_of_a_user_leaves_nothing_behind() {
        let (watchers, _connected) = Watchers::new();
        let someone = user();
        let (first, second) = (watchers.subscribe(someone), watchers.subscribe(someone));
        drop(first);
        assert_eq!(watchers.topics.lock().unwrap().len(), 1);
        drop(second);
        assert!(watchers.topics.lock().unwrap().is_empty());
    }
}
