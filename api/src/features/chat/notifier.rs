//! The task that tells those who are away of messages.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_notify::notices::Told;
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::leader::Leadership;

use super::hub::Hub;
use super::store::notify::{DueRoom, find_due, tell_due};
use crate::features::notices::NoticePost;

/// Time between two looks while there is nothing to tell.
const LOOK: Duration = Duration::from_secs(1);
/// Rooms of one look.
const AT_ONCE: u32 = 50;

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
    for due in &rooms {
        let told = tell(pool, hub, due).await?;
        post.send(told);
    }
    Ok(rooms.len())
}

async fn tell(pool: &Database, hub: &Hub, due: &DueRoom) -> Result<Vec<Told>, sqlx::Error> {
    // Whoever is connected is sent the message itself.
    let users: Vec<UserId> = due.behind.iter().map(|(user, _)| *user).collect();
    let online: BTreeSet<UserId> = hub.online_of(users).await.into_iter().collect();
    let news = due.news(|user| !online.contains(&user));
    let telling =
        retry_deadlock(|| pool.in_transaction(async |conn| tell_due(conn, due, &news).await));
    bounded(telling).await
}
