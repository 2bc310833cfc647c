//! Finding what is due on one channel and sending it. Any number of replicas do so side by side: a target that is due is
//! taken by one of them. Each target is a lane, so that one that is slow or down delays no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use sqlx::Connection;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until};
use toneup_notify::claim::{Delivery, count_due, is_due, put_back, read_due, take_targets};
use toneup_notify::settle::{Settlement, commit_settle};
use toneup_notify::targets::Target;
use toneup_notify::{ChannelKind, TargetId};
use toneup_platform::batch::{Batcher, Limits};
use toneup_platform::crash;
use toneup_platform::database::{Database, bounded};
use toneup_platform::retry::Backoff;
use toneup_platform::shutdown::Shutdown;
use uuid::Uuid;

use super::channel::Channel;
use super::format::EventFormats;
use super::lanes::{Full, LANES, Lane, Lanes, shares};
use super::settings::NotificationsSettings;
use super::turn::{jitter, take_turn};

/// Deliveries sent at once to a target that works, and to one that failed last time.
const AT_ONCE: (u32, u32) = (8, 1);
/// Time for which a target is deferred when one of its shares has no free lane.
const CROWDED: Duration = Duration::from_secs(1);
/// Polling interval in the absence of wake-ups.
const LOOK: Duration = Duration::from_secs(1);
/// Interval at which the number of due targets is exported.
const REPORT: Duration = Duration::from_secs(5);
/// Shortest time between two looks: hints come in bursts.
const PACE: Duration = Duration::from_millis(20);

/// Sends what is due on one channel.
#[derive(Debug)]
pub(super) struct Dispatcher<C> {
    channel: Arc<C>,
    pool: Database,
    formats: EventFormats,
    timeout: Duration,
    settlements: Batcher<Settlement, bool, sqlx::Error>,
    lanes: Arc<Semaphore>,
    shares: Lanes,
    /// Look at once: something may be due.
    wake: Arc<Notify>,
    shutdown: Shutdown,
}

/// A target and what is due for it.
#[derive(Debug)]
struct Turn {
    target: Target,
    deliveries: Vec<Delivery>,
    token: Uuid,
    lane: Lane,
}

impl<C: Channel> Dispatcher<C> {
    /// Sends until `shutdown` drains. What it answers has it look at once.
    pub(super) fn start(
        channel: Arc<C>,
        settings: &NotificationsSettings,
        formats: &EventFormats,
        pool: Database,
        shutdown: &Shutdown,
    ) -> (ChannelKind, Arc<Notify>) {
        let (settling, patience) = (pool.clone(), settings.patience);
        let settlements =
            Batcher::spawn(Limits::default(), &shutdown.tasks, move |batch: Vec<Settlement>| {
                let pool = settling.clone();
                async move { commit_settle(&pool, &batch, patience).await }
            });
        let wake = Arc::new(Notify::new());
        let dispatcher = Arc::new(Self {
            channel,
            pool,
            formats: formats.clone(),
            timeout: settings.timeout,
            settlements,
            lanes: Arc::new(Semaphore::new(LANES)),
            shares: Lanes::default(),
            wake: Arc::clone(&wake),
            shutdown: shutdown.clone(),
        });
        shutdown.tasks.spawn(Arc::clone(&dispatcher).report());
        shutdown.tasks.spawn(dispatcher.run());
        (C::KIND, wake)
    }

    async fn run(self: Arc<Self>) {
        let draining = self.shutdown.draining.clone();
        while let Some(mut lanes) = draining.run_until_cancelled(self.free_lanes()).await.flatten()
        {
            let begun = Instant::now();
            let most = lanes.num_permits();
            let (taken, turns) = bounded(self.look(most)).await.unwrap_or_else(|error| {
                tracing::warn!(%error, channel = C::KIND.as_str(), "cannot look for what is due");
                (0, Vec::new())
            });
            for turn in turns {
                if let Some(lane) = lanes.split(1) {
                    self.shutdown.tasks.spawn(Arc::clone(&self).send(turn, lane));
                }
            }
            drop(lanes);
            if taken < most {
                tokio::select! {
                    () = draining.cancelled() => {}
                    () = self.wake.notified() => {}
                    () = sleep(jitter(LOOK)) => {}
                }
                sleep_until(begun + PACE).await;
            }
        }
    }

    /// Exports the number of due targets as a Prometheus gauge, until the process drains.
    async fn report(self: Arc<Self>) {
        let draining = self.shutdown.draining.clone();
        while draining.run_until_cancelled(sleep(jitter(REPORT))).await.is_some() {
            let counted =
                bounded(async { count_due(&mut *self.pool.acquire().await?, C::KIND).await });
            if let Ok(due) = counted.await {
                #[expect(clippy::cast_precision_loss, reason = "a number of targets")]
                gauge!("toneup_push_due", "channel" => C::KIND.as_str()).set(due as f64);
            }
        }
    }

    /// Every lane that is free, at least one.
    async fn free_lanes(&self) -> Option<OwnedSemaphorePermit> {
        let mut lanes = Arc::clone(&self.lanes).acquire_owned().await.ok()?;
        let more = u32::try_from(self.lanes.available_permits()).ok()?;
        if let Ok(more) = Arc::clone(&self.lanes).try_acquire_many_owned(more) {
            lanes.merge(more);
        }
        Some(lanes)
    }

    /// Takes up to `most` targets that are due; how many, and those whose shares have room, with what is due for them.
    async fn look(&self, most: usize) -> Result<(usize, Vec<Turn>), sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if !is_due(&mut connection, C::KIND).await? {
            return Ok((0, Vec::new()));
        }
        let mut transaction = connection.begin().await?;
        let token = Uuid::new_v4();
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let lease = self.lease();
        let due_targets = take_targets(&mut transaction, C::KIND, limit, token, lease).await?;
        let count = due_targets.len();
        let mut turns: Vec<Turn> = Vec::new();
        let mut crowded: Vec<TargetId> = Vec::new();
        for target in due_targets {
            match self.shares.enter(shares(&target, self.channel.place(&target))) {
                Ok(lane) => turns.push(Turn { target, deliveries: Vec::new(), token, lane }),
                Err(Full) => crowded.push(target.id),
            }
        }
        put_back(&mut transaction, &crowded, jitter(CROWDED)).await?;
        let wanted: Vec<(TargetId, u32)> = turns.iter().map(Turn::wanted).collect();
        let mut due: HashMap<TargetId, Vec<Delivery>> = HashMap::new();
        let mut found = read_due(&mut transaction, &wanted).await?;
        self.formats.fill(&mut transaction, &mut found).await?;
        for delivery in found {
            due.entry(delivery.target).or_default().push(delivery);
        }
        transaction.commit().await?;
        for turn in &mut turns {
            turn.deliveries = due.remove(&turn.target.id).unwrap_or_default();
        }
        Ok((count, turns))
    }

    /// Returns the lease of a target: long enough to send and to outlast a short outage of the database.
    fn lease(&self) -> Duration {
        self.timeout * 2 + Duration::from_secs(30)
    }

    async fn send(self: Arc<Self>, turn: Turn, lane: OwnedSemaphorePermit) {
        let Turn { target, deliveries, token, lane: shared } = turn;
        let deadline = Instant::now() + self.lease();
        let settlement = take_turn(&*self.channel, &target, token, deliveries, self.timeout).await;
        drop(shared);
        crash::point("push-sent");
        let aborting = &self.shutdown.aborting;
        aborting.run_until_cancelled(self.settle(settlement, deadline)).await;
        drop(lane);
        // The target may be due again.
        self.wake.notify_one();
    }

    /// Writes what came of a turn, until the lease is over: then it is sent again anyway.
    async fn settle(&self, settlement: Settlement, deadline: Instant) {
        let mut failures = 0;
        loop {
            match self.settlements.submit(settlement.clone()).await {
                Ok(held) => {
                    let target = settlement.target.0;
                    tracing::debug!(target.id = %target, held, "settled");
                    return;
                }
                Err(error) if Instant::now() < deadline => {
                    failures += 1;
                    tracing::warn!(%error, failures, "cannot write what was sent");
                    sleep(Backoff::RECONNECT.pause(failures)).await;
                }
                Err(_) => return,
            }
        }
    }
}

impl Turn {
    fn wanted(&self) -> (TargetId, u32) {
        let (working, failing) = AT_ONCE;
        (self.target.id, if self.target.failing_since.is_some() { failing } else { working })
    }
}
