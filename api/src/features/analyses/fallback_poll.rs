//! Looking by the clock on behalf of whoever waits on this replica, since hints may be lost: at all of them with a few
//! statements, so that ten thousand streams of which nothing is new cost the database next to nothing.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use sqlx::MySqlConnection;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_colour::analysis::ANALYSIS;
use toneup_jobs::store::read::{Activity, find_activity};
use toneup_notify::events::last_events;
use toneup_platform::database::{Database, bounded};
use toneup_platform::identity::UserId;

use super::watch::Watchers;

/// Polling interval while hints arrive: they may still get lost.
const HINTED: Duration = Duration::from_secs(15);
/// Polling interval while no hints arrive.
const UNHINTED: Duration = Duration::from_millis(1500);
/// Users looked at with one statement.
const CHUNK: usize = 500;

/// Wakes whoever has something to read, until `draining`: by the clock, and when hints begin to come or cease.
pub(crate) async fn run(pool: Database, watchers: Watchers, draining: CancellationToken) {
    let mut hinted = watchers.hinted();
    let mut seen = Seen::default();
    loop {
        let pause = if *hinted.borrow_and_update() { HINTED } else { UNHINTED };
        // Replicas that lost Redis together should not read together.
        let pause = pause.mul_f64(rand::random_range(0.8..1.2));
        tokio::select! {
            () = draining.cancelled() => return,
            () = sleep(pause) => {}
            Ok(()) = hinted.changed() => {}
        }
        if let Err(error) = look(&pool, &watchers, &mut seen).await {
            tracing::warn!(%error, "cannot look for whoever waits");
        }
    }
}

async fn look(pool: &Database, watchers: &Watchers, seen: &mut Seen) -> Result<(), sqlx::Error> {
    let users = watchers.users();
    seen.forget_others(&users);
    for some in users.chunks(CHUNK) {
        let heads = async { list_heads(&mut *pool.acquire().await?, some).await };
        for head in bounded(heads).await? {
            if seen.is_news(head) {
                watchers.wake(head.user);
            }
        }
    }
    Ok(())
}

/// Version of the data that a user may have to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Head {
    user: UserId,
    /// The number of the latest event; 0 before the first.
    last_event: u64,
    /// State of the unfinished analyses; differs after any change of theirs.
    active: Activity,
}

/// Reads the heads of all `users` with two statements.
async fn list_heads(
    conn: &mut MySqlConnection,
    users: &[UserId],
) -> Result<Vec<Head>, sqlx::Error> {
    let last = last_events(&mut *conn, users).await?;
    let active = find_activity(conn, ANALYSIS, users).await?;
    let head = |user: &UserId| Head {
        user: *user,
        last_event: last.get(user).copied().unwrap_or_default(),
        active: active.get(user).copied().unwrap_or_default(),
    };
    Ok(users.iter().map(head).collect())
}

/// Head of each user at the last poll.
#[derive(Debug, Default)]
struct Seen(HashMap<UserId, Head>);

impl Seen {
    /// Returns true if the user has something to read: the log has grown, an analysis has changed, or it is the first
    /// poll, before which a hint may have been lost.
    fn is_news(&mut self, head: Head) -> bool {
        self.0.insert(head.user, head) != Some(head)
    }

    fn forget_others(&mut self, users: &[UserId]) {
        if self.0.len() > users.len() {
            let users: HashSet<&UserId> = users.iter().collect();
            self.0.retain(|user, _| users.contains(user));
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn head(user: UserId, last_event: u64, versions: u64) -> Head {
        Head { user, last_event, active: Activity { jobs: 1, versions } }
    }

    #[test]
    fn who_has_nothing_new_is_not_woken_and_who_may_have_is() {
        let (mut seen, idle) = (Seen::default(), UserId(Uuid::now_v7()));
        assert!(seen.is_news(head(idle, 3, 1)), "the first look");
        assert!(!seen.is_news(head(idle, 3, 1)));
        assert!(seen.is_news(head(idle, 4, 1)), "the log has grown");
        assert!(!seen.is_news(head(idle, 4, 1)));
        assert!(seen.is_news(head(idle, 4, 2)), "something has changed");
        assert!(!seen.is_news(head(idle, 4, 2)), "10,000 that wait cost no reads");
    }

    #[test]
    fn who_is_not_watched_any_more_is_forgotten() {
        let (mut seen, users) = (Seen::default(), [UserId(Uuid::now_v7()), UserId(Uuid::now_v7())]);
        for user in users {
            seen.is_news(head(user, 1, 1));
        }
        seen.forget_others(&users[..1]);
        assert!(!seen.is_news(head(users[0], 1, 1)));
        assert!(seen.is_news(head(users[1], 1, 1)));
    }
}
