//! Waking whoever waits for an analysis: hints from Redis while they come, looking again by the clock when they do not.
//!
//! A watch never carries what changed; whoever is woken reads the database. So a lost, late or repeated hint does no harm.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use toneup_shared::analyses::UserId;

/// How often to look while hints come: they may still get lost.
const LOOK_HINTED: Duration = Duration::from_secs(15);
/// How often to look while they do not.
const LOOK_UNHINTED: Duration = Duration::from_millis(1500);

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

    /// Whether hints come.
    pub fn are_hinted(&self) -> bool {
        *self.hinted.borrow()
    }

    /// Waits until hints come.
    pub async fn until_hinted(&self) {
        drop(self.hinted.clone().wait_for(|hinted| *hinted).await);
    }

    /// Starts to watch a user's analyses. Subscribe first, then read: what changes in between wakes the watch.
    pub fn subscribe(&self, user: UserId) -> Watch {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.entry(user).or_insert_with(|| watch::channel(()).0);
        let changes = topic.subscribe();
        Watch { user, changes, hinted: self.hinted.clone(), topics: Arc::clone(&self.topics) }
    }

    /// Wakes everyone who watches `user`.
    pub fn wake(&self, user: UserId) {
        let topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(topic) = topics.get(&user) {
            topic.send_replace(());
        }
    }
}

/// One waiter's view of a user's analyses.
#[derive(Debug)]
pub struct Watch {
    user: UserId,
    changes: watch::Receiver<()>,
    hinted: watch::Receiver<bool>,
    topics: Arc<Topics>,
}

impl Watch {
    /// Waits until it is worth reading again: a hint, hints that begin to come or cease, or the clock.
    pub async fn changed(&mut self) {
        let look = if *self.hinted.borrow() { LOOK_HINTED } else { LOOK_UNHINTED };
        // Watchers that lost Redis together should not read together.
        let look = look.mul_f64(rand::random_range(0.8..1.2));
        tokio::select! {
            Ok(()) = self.changes.changed() => {}
            Ok(()) = self.hinted.changed() => {}
            () = sleep(look) => {}
        }
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
    use tokio::time::{Instant, timeout};
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
        let (watchers, connected) = Watchers::new();
        connected.send_replace(true);
        let mut watch = watchers.subscribe(user());
        watch.changed().await; // the change of `connected`
        watchers.wake(user());
        let begun = Instant::now();
        watch.changed().await;
        assert!(begun.elapsed() > LOOK_HINTED / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn without_hints_the_clock_wakes_within_two_seconds() {
        let (watchers, _connected) = Watchers::new();
        let mut watch = watchers.subscribe(user());
        timeout(Duration::from_secs(2), watch.changed()).await.expect("woken by the clock");
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
