//! The task that tells those who are away of messages.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::leader::Leadership;

use super::hub::Hub;
use super::store::notify::{DueNews, DueRoom, find_due, parts, tell_due};
use crate::features::notices::NoticePost;

/// Time between two looks while there is nothing to tell.
const LOOK: Duration = Duration::from_secs(1);
/// Rooms of one look.
const AT_ONCE: u32 = 50;
/// News of one transaction: few, since new messages of its rooms wait for it.
const NEWS_AT_ONCE: usize = 100;

/// Looks every second for rooms with something to tell, on the replica that leads, until `draining`.
pub(super) async fn run(
    pool: Database,
    hub: Hub,
    post: NoticePost,
    leadership: Leadership,
    draining: CancellationToken,
) {
    let mut pause = LOOK;
    loop {
        let jittered = pause.mul_f64(rand::random_range(0.8..1.2));
        if draining.run_until_cancelled(sleep(jittered)).await.is_none() {
            return;
        }
        if !leadership.is_held() {
            pause = LOOK;
            continue;
        }
        match look(&pool, &hub, &post).await {
            Ok(found) if found >= AT_ONCE as usize => pause = Duration::ZERO,
            Ok(_) => pause = LOOK,
            Err(error) => {
                pause = LOOK;
                tracing::warn!(%error, "cannot tell of messages");
            }
        }
    }
}

async fn look(pool: &Database, hub: &Hub, post: &NoticePost) -> Result<usize, sqlx::Error> {
    let finding = bounded(async { find_due(&mut *pool.acquire().await?, AT_ONCE).await });
    let rooms = finding.await?;
    let found = rooms.len();
    let due = with_news(hub, rooms).await;
    for part in parts(&due, NEWS_AT_ONCE) {
        let telling =
            retry_deadlock(|| pool.in_transaction(async |conn| tell_due(conn, part).await));
        post.send(bounded(telling).await?);
    }
    Ok(found)
}

/// Adds to each room the news for those who are away: whoever is connected is sent the message itself.
async fn with_news(hub: &Hub, rooms: Vec<DueRoom>) -> Vec<DueNews> {
    let behind = rooms.iter().flat_map(|due| &due.behind);
    let users: BTreeSet<UserId> = behind.map(|(user, _)| *user).collect();
    let online: BTreeSet<UserId> =
        hub.online_of(users.into_iter().collect()).await.into_iter().collect();
    let with_news = |due: DueRoom| {
        let news = due.news(|user| !online.contains(&user));
        (due, news)
    };
    rooms.into_iter().map(with_news).collect()
}
