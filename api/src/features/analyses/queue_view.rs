//! A snapshot of the queue, about a second old: an analysis's position in it, the estimated wait of one more, and the share
//! of the broker's queue that one user may use. One read serves any number of clients; reads are rare while nobody asks.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use time::OffsetDateTime;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use toneup_colour::capacity::desired_workers;
use toneup_colour::capacity::{capacity_key, models_key};
use toneup_colour::result::Model;
use toneup_jobs::job::JobId;
use toneup_jobs::share::Share;
use toneup_jobs::store::load::QueueLoad;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;
use toneup_platform::redis::{REDIS_TIMEOUT, client, connection_config};
use toneup_platform::shutdown::Shutdown;

use super::problems::{deadline_unreachable, queue_full};
use super::queue_picture::{Picture, Pictures};
use crate::http::problem::ApiError;

/// Maximum age of the snapshot while clients ask for it.
const FRESH: Duration = Duration::from_secs(1);
/// Additional age that the snapshot may reach while no client asks.
const UNASKED: Duration = Duration::from_secs(4);
/// Age from which a snapshot decides nothing any more: no position, no refusal.
const OUTDATED: Duration = Duration::from_secs(15);

/// The position of a queued analysis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Position in the queue, from 1.
    pub position: u64,
    /// Seconds until it has probably been served; `None` while the rate is not known.
    pub wait_seconds: Option<f64>,
}

impl Place {
    /// Returns true if a client that was told `other` need not be told this place: the position differs by less than a
    /// twentieth, and the wait by less than a tenth, or a second. Near the front, every step is told.
    pub(super) fn is_near(self, other: Self) -> bool {
        let steps = self.position.abs_diff(other.position);
        let waits = match (self.wait_seconds, other.wait_seconds) {
            (Some(now), Some(before)) => (now - before).abs() < (before / 10.0).max(1.0),
            (now, before) => now.is_some() == before.is_some(),
        };
        steps * 20 < other.position.max(1) && waits
    }
}

/// The queue as one read found it.
#[derive(Debug, Default)]
pub(crate) struct QueueSnapshot {
    /// Positions, from 1, in the order in which they will be served.
    positions: HashMap<JobId, u32>,
    /// Number of jobs in the broker.
    moving: u32,
    /// Number of held jobs of each user.
    held: HashMap<UserId, u32>,
    /// Seconds between two analyses that end.
    interval_seconds: Option<f64>,
    pub(crate) load: Option<QueueLoad>,
    /// Requests that the analyzers take at once, where they say so.
    pub(crate) capacity: Option<u32>,
    /// The models they answer with.
    pub(crate) models: BTreeSet<Model>,
    /// Time at which it was read; `None` before the first.
    read_at: Option<Instant>,
}

impl QueueSnapshot {
    /// `queued` in order of submission, `held` in that order within each user.
    fn new(
        queued: &[JobId],
        held: &[(UserId, JobId)],
        load: QueueLoad,
        capacity: Option<u32>,
    ) -> Self {
        // Held ones follow those in the broker, one of each user's after the other.
        let mut of_user: HashMap<UserId, u32> = HashMap::new();
        let mut turns: Vec<(u32, JobId)> = held
            .iter()
            .map(|(user, analysis)| {
                let turn = of_user.entry(*user).or_default();
                *turn += 1;
                (*turn, *analysis)
            })
            .collect();
        turns.sort_unstable();
        let is_held: HashMap<JobId, u32> = turns.iter().map(|(t, id)| (*id, *t)).collect();
        let moving: Vec<JobId> =
            queued.iter().copied().filter(|id| !is_held.contains_key(id)).collect();
        let order = moving.iter().copied().chain(turns.into_iter().map(|(_, id)| id));
        Self {
            positions: order.zip(1..).collect(),
            moving: u32::try_from(moving.len()).unwrap_or(u32::MAX),
            held: of_user,
            interval_seconds: interval(load),
            load: Some(load),
            capacity,
            models: BTreeSet::new(),
            read_at: Some(Instant::now()),
        }
    }

    /// True if the snapshot may still decide something.
    fn is_recent(&self) -> bool {
        self.read_at.is_some_and(|read_at| read_at.elapsed() < OUTDATED)
    }

    fn place(&self, id: JobId) -> Option<Place> {
        let position = *self.positions.get(&id)?;
        Some(Place { position: position.into(), wait_seconds: self.wait(position) })
    }

    fn wait(&self, position: u32) -> Option<f64> {
        self.interval_seconds.map(|interval| f64::from(position) * interval)
    }

    /// Returns the minimum time until one more analysis of this user would end, in seconds.
    fn wait_of_next(&self, user: UserId) -> Option<f64> {
        let turns = self.held.get(&user).map_or(0, |held| held + 1);
        let before: u32 = self.held.values().map(|held| (*held).min(turns)).sum();
        self.wait(self.moving.saturating_add(before).saturating_add(1))
    }

    /// Seconds until one of a user's analyses ends who has a full share of those in the broker or at work.
    fn next_end(&self, share: u32) -> Option<f64> {
        let running = self.load.map_or(0, |load| u32::try_from(load.running).unwrap_or(u32::MAX));
        let moving = f64::from(self.moving.saturating_add(running));
        self.interval_seconds.map(|interval| interval * (moving / f64::from(share)).max(1.0))
    }
}

/// Seconds between two that end, by Little's law: `running` at a time, each for `mean_seconds`. An idle system serves at
/// least one.
fn interval(load: QueueLoad) -> Option<f64> {
    let running = f64::from(u32::try_from(load.running).unwrap_or(u32::MAX).max(1));
    load.mean_seconds.map(|mean| mean / running)
}

/// The queue as of about a second ago. Cheap to clone.
#[derive(Debug, Clone)]
pub struct QueueView {
    snapshot: watch::Receiver<Arc<QueueSnapshot>>,
    asked: Arc<Notify>,
    share: Share,
}

impl QueueView {
    /// Starts the task that looks, and lets `share` follow what it sees.
    pub fn spawn(
        pool: Database,
        redis: &RedisConfig,
        share: Share,
        shutdown: &Shutdown,
    ) -> Result<Self, redis::RedisError> {
        let (sender, snapshot) = watch::channel(Arc::default());
        let asked = Arc::new(Notify::new());
        let (wanted, draining) = (Arc::clone(&asked), shutdown.draining.clone());
        let mut analyzers = Analyzers {
            redis: client(redis)?.get_connection_manager_lazy(connection_config())?,
            keys: [capacity_key(redis), models_key(redis)],
        };
        let mut pictures = Pictures::new(pool, redis)?;
        let following = share.clone();
        shutdown.tasks.spawn(async move {
            while !draining.is_cancelled() {
                match look(&mut pictures, &mut analyzers).await {
                    Ok(snapshot) => {
                        snapshot.guide(&following);
                        snapshot.export();
                        sender.send_replace(Arc::new(snapshot));
                    }
                    Err(error) => tracing::warn!(%error, "cannot read the queue"),
                }
                let pause = async {
                    sleep(FRESH).await;
                    drop(timeout(UNASKED, wanted.notified()).await);
                };
                draining.run_until_cancelled(pause).await;
            }
        });
        Ok(Self { snapshot, asked, share })
    }

    /// Returns the place of a queued analysis in the last snapshot, and asks for a newer snapshot.
    pub fn place(&self, id: JobId) -> Option<Place> {
        self.latest().place(id)
    }

    /// The last snapshot; asks for a newer one.
    pub(crate) fn latest(&self) -> Arc<QueueSnapshot> {
        self.asked.notify_one();
        let latest = Arc::clone(&self.snapshot.borrow());
        if latest.is_recent() { latest } else { Arc::default() }
    }

    /// Refuses an analysis that cannot be served in time, or when too many wait already.
    pub(crate) fn check_capacity(
        &self,
        user: UserId,
        deadline: Option<OffsetDateTime>,
        ceiling: u32,
    ) -> Result<(), ApiError> {
        let snapshot = self.latest();
        let queued = snapshot.load.map_or(0, |load| load.queued);
        if queued >= i64::from(ceiling) {
            let retry_after = seconds(snapshot.interval_seconds);
            return Err(queue_full(retry_after));
        }
        let (Some(deadline), Some(wait)) = (deadline, snapshot.wait_of_next(user)) else {
            return Ok(());
        };
        let left = (deadline - OffsetDateTime::now_utc()).as_seconds_f64();
        if wait > left {
            return Err(deadline_unreachable(seconds(Some(wait))));
        }
        Ok(())
    }

    /// Estimates the time until one of the analyses of a user who has too many has ended.
    pub(crate) fn next_end(&self) -> Duration {
        seconds(self.latest().next_end(self.share.get()))
    }
}

/// Whole seconds, at least one, for a client to wait.
fn seconds(estimate: Option<f64>) -> Duration {
    const LONGEST: f64 = 3600.0;
    Duration::from_secs_f64(estimate.unwrap_or(1.0).ceil().clamp(1.0, LONGEST))
}

/// Reader of the workers' reports on the analyzers, in Redis.
struct Analyzers {
    redis: ConnectionManager,
    keys: [String; 2],
}

impl Analyzers {
    /// Reads the number of concurrent requests that the analyzers accept, and their models; nothing while Redis is
    /// unavailable.
    async fn read(&mut self) -> (Option<u32>, BTreeSet<Model>) {
        let read = timeout(REDIS_TIMEOUT, self.redis.mget(&self.keys)).await;
        let said: Option<(Option<u32>, Option<String>)> = read.ok().and_then(Result::ok);
        let (capacity, models) = said.unwrap_or_default();
        let models = models.and_then(|models| serde_json::from_str(&models).ok());
        (capacity, models.unwrap_or_default())
    }
}

impl QueueSnapshot {
    /// Lets a share follow. Analyzers that do not say what they take are believed to take what runs.
    fn guide(&self, share: &Share) {
        let running = self.load.and_then(|load| u32::try_from(load.running).ok());
        let per_second = self.load.and_then(|load| u32::try_from(load.ended).ok());
        share.follow(
            self.capacity.or(running.filter(|running| *running > Share::UNKNOWN)),
            per_second.map(|ended| f64::from(ended) / 60.0),
        );
    }
}

impl QueueSnapshot {
    /// Exports the queue's size as Prometheus gauges.
    fn export(&self) {
        let Some(load) = self.load else { return };
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        let held = count(load.held);
        let (queued, running) = (count(load.queued), count(load.running));
        gauge!("toneup_jobs", "state" => "queued").set(queued.saturating_sub(held));
        gauge!("toneup_jobs", "state" => "held").set(held);
        gauge!("toneup_jobs", "state" => "running").set(running);
        gauge!("toneup_oldest_job_seconds").set(load.oldest_seconds.unwrap_or_default());
        gauge!("toneup_jobs_per_second").set(f64::from(count(load.ended)) / 60.0);
        gauge!("toneup_analyzer_capacity").set(self.capacity.unwrap_or_default());
        let desired = desired_workers(queued.saturating_add(running), self.capacity);
        gauge!("toneup_desired_workers").set(desired);
        gauge!("toneup_outbox_due").set(count(load.due));
        gauge!("toneup_dead_letters").set(count(load.dead));
    }
}

async fn look(
    pictures: &mut Pictures,
    analyzers: &mut Analyzers,
) -> Result<QueueSnapshot, sqlx::Error> {
    let (capacity, models) = analyzers.read().await;
    let Picture { queued, held, load } = pictures.look().await?;
    Ok(QueueSnapshot { models, ..QueueSnapshot::new(&queued, &held, load, capacity) })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn load(mean_seconds: Option<f64>) -> QueueLoad {
        QueueLoad {
            queued: 0,
            held: 0,
            running: 2,
            due: 0,
            dead: 0,
            ended: 60,
            oldest_seconds: None,
            mean_seconds,
        }
    }

    fn ids(count: usize) -> Vec<JobId> {
        (0..count).map(|_| JobId::generate()).collect()
    }

    #[test]
    fn a_place_is_counted_in_order_of_submission() {
        let queued = ids(3);
        let snapshot = QueueSnapshot::new(&queued, &[], load(Some(4.0)), None);
        let place = snapshot.place(queued[2]).unwrap();
        assert_eq!(place, Place { position: 3, wait_seconds: Some(6.0) });
        assert_eq!(snapshot.place(JobId::generate()), None);
    }

    #[test]
    fn far_back_small_steps_are_not_worth_telling() {
        let place = |position, wait_seconds| Place { position, wait_seconds };
        assert!(place(1000, Some(50.0)).is_near(place(1040, Some(52.0))));
        assert!(!place(1000, Some(50.0)).is_near(place(1060, Some(52.0))));
        assert!(!place(1000, Some(40.0)).is_near(place(1000, Some(50.0))));
        assert!(!place(4, None).is_near(place(5, None)));
        assert!(place(5, Some(2.0)).is_near(place(5, Some(2.9))));
        assert!(!place(5, Some(2.0)).is_near(place(5, None)));
    }

    #[test]
    fn what_is_held_follows_what_is_not_and_users_take_turns() {
        let queued = ids(6);
        let (alice, bob) = (UserId(Uuid::now_v7()), UserId(Uuid::now_v7()));
        let held = [(alice, queued[1]), (alice, queued[2]), (alice, queued[3]), (bob, queued[4])];
        let snapshot = QueueSnapshot::new(&queued, &held, load(Some(2.0)), None);
        let positions: Vec<u64> =
            queued.iter().map(|id| snapshot.place(*id).unwrap().position).collect();
        assert_eq!(positions, [1, 3, 5, 6, 4, 2]);
        let position = |wait: Option<f64>| wait.unwrap().round();
        assert!((position(snapshot.wait_of_next(UserId(Uuid::now_v7()))) - 3.0).abs() < 0.1);
        assert!((position(snapshot.wait_of_next(bob)) - 6.0).abs() < 0.1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_snapshot_that_is_not_renewed_stops_deciding() {
        let snapshot = QueueSnapshot::new(&ids(1), &[], load(Some(2.0)), None);
        tokio::time::advance(OUTDATED / 2).await;
        assert!(snapshot.is_recent());
        tokio::time::advance(OUTDATED).await;
        assert!(!snapshot.is_recent() && !QueueSnapshot::default().is_recent());
    }

    #[test]
    fn without_a_rate_the_wait_is_unknown() {
        let queued = ids(1);
        let snapshot = QueueSnapshot::new(&queued, &[], load(None), None);
        assert_eq!(snapshot.place(queued[0]), Some(Place { position: 1, wait_seconds: None }));
        assert_eq!(snapshot.wait_of_next(UserId(Uuid::now_v7())), None);
        assert_eq!(seconds(None), Duration::from_secs(1));
    }
}
