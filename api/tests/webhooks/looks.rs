//! Polling of a channel for due deliveries: by the clock, and at once when a hint announces one.

use std::time::Duration;

use sqlx::MySqlPool;
use tokio::time::{Instant, sleep};
use toneup_jobs::job::{Changed, JobId};
use toneup_notify::ChannelKind;
use toneup_platform::identity::UserId;
use toneup_testing::eventually;
use tracing_subscriber::util::SubscriberInitExt;
use uuid::Uuid;

use super::{hints, stack};
use crate::logs::Kept;

/// Channels that look: webhooks, and those that come with submits.
const CHANNELS: u128 = 2;
/// A second, and the jitter's shortest.
const SHORTEST_BY_THE_CLOCK: Duration = Duration::from_millis(800);

fn hint<const COUNT: usize>(channels: [ChannelKind; COUNT]) -> Changed {
    let (user, job) = (UserId(Uuid::now_v7()), JobId::generate());
    let kind = "analysis".to_owned();
    let topics = channels.iter().map(|channel| channel.as_str().to_owned()).collect();
    Changed { user, job, kind, version: 2, topics }
}

/// Looks that were logged, and since when.
struct Looks {
    log: Kept,
    before: usize,
    since: Instant,
}

impl Looks {
    fn begin(log: &Kept) -> Self {
        Self { log: log.clone(), before: looks(log), since: Instant::now() }
    }

    /// Returns true if there were more polls than the clock accounts for.
    fn were_asked_for(&self) -> bool {
        let by_the_clock = 1 + self.since.elapsed().as_millis() / SHORTEST_BY_THE_CLOCK.as_millis();
        u128::try_from(looks(&self.log) - self.before).unwrap() > CHANNELS * by_the_clock
    }
}

fn looks(log: &Kept) -> usize {
    log.text().lines().filter(|line| line.contains("SELECT 1 FROM push_targets")).count()
}

#[sqlx::test(migrations = "../migrations")]
async fn only_a_hint_that_names_the_channel_makes_it_look(db: MySqlPool) {
    let log = Kept::default();
    let logging = tracing_subscriber::fmt().with_env_filter("sqlx::query=trace");
    // Of this thread, which runs the api too: other tests log in theirs.
    let _logging = logging.with_writer(log.clone()).set_default();
    let stack = stack(db).await;
    let api = stack.api().await;
    let hints = hints(&stack);
    eventually("hints come", async || {
        (api.anonymous().get("/readyz").await.body["hints"] == true).then_some(())
    })
    .await;

    let quiet = Looks::begin(&log);
    for _ in 0..50 {
        hints.send([hint([]), hint([ChannelKind::WebPush, ChannelKind::Fcm])]);
        sleep(Duration::from_millis(30)).await;
    }
    assert!(!quiet.were_asked_for(), "{} looks", looks(&log) - quiet.before);
    assert!(looks(&log) > 0, "looks are not logged");

    let asked = Looks::begin(&log);
    eventually("looks at once", async || {
        hints.send([hint([ChannelKind::Webhook])]);
        asked.were_asked_for().then_some(())
    })
    .await;
}
