//! What handlers share.

use std::sync::Arc;

use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::held::Share;
use toneup_shared::analyses::photos::Answers;
use toneup_shared::analyses::purge::{self, Retention};
use toneup_shared::analyses::submit::Submitter;
use toneup_shared::database::Database;
use toneup_shared::hints;
use toneup_shared::hints::Hints;
use toneup_shared::objects::Objects;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::queue::sweep::Sweep;
use toneup_shared::replicas::{Activity, Program, Registry, Replica};
use toneup_shared::shutdown::Shutdown;

use super::ApiConfig;
use super::warm_up;
use crate::features::accounts::token::Tokens;
use crate::features::admin::series::Series;
use crate::features::analyses::cancel::Canceller;
use crate::features::analyses::fallback_poll;
use crate::features::analyses::multipart::PhotoPermits;
use crate::features::analyses::queue_view::QueueView;
use crate::features::analyses::watch::Watchers;
use crate::features::notifications::Pushes;
use crate::features::uploads::seal::Seal;
use crate::http::limits::RateLimiter;
use crate::http::measure::OpenStreams;

/// What handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The settings.
    pub config: Arc<ApiConfig>,
    /// The database.
    pub pool: Database,
    /// Accepts analyses.
    pub submitter: Submitter,
    /// Finds what photos were answered before.
    pub answers: Answers,
    /// Withdraws analyses.
    pub canceller: Canceller,
    /// The photos.
    pub objects: Objects,
    /// Makes keys that name their photo.
    pub seal: Seal,
    /// Issues and checks access tokens.
    pub tokens: Tokens,
    /// Wakes whoever waits for an analysis.
    pub watchers: Watchers,
    /// Tells users where they are not looking.
    pub pushes: Pushes,
    /// The queue, as of about a second ago.
    pub queue: QueueView,
    /// The event streams that are open here.
    pub streams: OpenStreams,
    /// Who runs.
    pub registry: Registry,
    /// The last half hour.
    pub series: Series,
    /// Counts what an address may do.
    pub limiter: RateLimiter,
    /// Bounds the photos held in memory.
    pub photo_permits: PhotoPermits,
    /// Cancelled when the process should not be sent anything more.
    pub leaving: CancellationToken,
    /// Whether the load tests' user has been made.
    pub load_tester: Arc<OnceCell<()>>,
    /// Whether requests are as fast as they will be.
    pub warm: watch::Receiver<bool>,
    /// Cancelled when the process begins to end.
    pub draining: CancellationToken,
}

impl AppState {
    /// Opens everything and starts the background tasks on `shutdown`.
    pub fn start(config: ApiConfig, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let pool = Database::open(&config.database)?;
        let draining = shutdown.draining.clone();
        let audits = Some(config.jobs.job_audit_interval);
        let publisher = Publisher::spawn(config.broker.clone(), pool.clone(), audits, shutdown);
        let share = Share::default();
        let hints = Hints::spawn(&config.redis, &shutdown.tasks)?;
        let pushes = Pushes::start(&config.push, pool.clone(), shutdown)?;
        tend(&config, &pool, &publisher, &hints, &share, shutdown);
        let watchers = hear(&config, pool.clone(), &pushes, shutdown);
        let queue = QueueView::spawn(pool.clone(), &config.redis, share.clone(), shutdown)?;
        let canceller = Canceller {
            pool: pool.clone(),
            hints: hints.clone(),
            publisher: publisher.clone(),
            jobs: config.jobs,
        };

        let registry = Registry::new(&config.redis)?;
        let series = Series::spawn(pool.clone(), queue.clone(), registry.clone(), shutdown);
        let streams = OpenStreams::default();
        shutdown.tasks.spawn(report(registry.clone(), streams.clone(), shutdown));

        let limiter = RateLimiter::new(&config.redis)?;
        let (set_warm, warm) = watch::channel(false);
        shutdown.tasks.spawn(warm_up::run(
            pool.clone(),
            publisher.clone(),
            watchers.clone(),
            limiter.clone(),
            set_warm,
            draining.clone(),
        ));

        Ok(Self {
            answers: Answers::spawn(pool.clone(), config.jobs.photo_reuse, &shutdown.tasks),
            submitter: Submitter::spawn(
                pool.clone(),
                publisher,
                hints,
                config.jobs,
                share,
                &shutdown.tasks,
            ),
            canceller,
            objects: Objects::new(&config.objects)?,
            seal: Seal::new(&config.server)?,
            tokens: Tokens::new(&config.server),
            limiter,
            config: Arc::new(config),
            photo_permits: PhotoPermits::default(),
            load_tester: Arc::default(),
            streams,
            warm,
            registry,
            series,
            pool,
            watchers,
            pushes,
            queue,
            leaving: shutdown.leaving.clone(),
            draining,
        })
    }
}

/// Reports this replica until the process ends.
fn report(
    registry: Registry,
    streams: OpenStreams,
    shutdown: &Shutdown,
) -> impl Future<Output = ()> + use<> {
    registry.report(Replica::begin(Program::Api), shutdown.clone(), move |replica| {
        replica.activity = Activity::Ready;
        replica.streams = Some(streams.count());
    })
}

/// Starts what looks after the rows: the sweep, the purge, the report of the pool.
fn tend(
    config: &ApiConfig,
    pool: &Database,
    publisher: &Publisher,
    hints: &Hints,
    share: &Share,
    shutdown: &Shutdown,
) {
    let (tasks, draining) = (&shutdown.tasks, &shutdown.draining);
    let sweep = Sweep {
        pool: pool.clone(),
        publisher: publisher.clone(),
        hints: hints.clone(),
        jobs: config.jobs,
        share: Some(share.clone()),
    };
    tasks.spawn(sweep.run(draining.clone()));
    let retention = Retention {
        idempotency: config.server.idempotency_ttl,
        pushes: config.push.retention,
        events: config.server.event_retention,
    };
    tasks.spawn(purge::run(pool.clone(), retention, draining.clone()));
    tasks.spawn(pool.clone().report(draining.clone()));
}

/// Starts to hear hints, and to look by the clock, and wakes whoever waits.
fn hear(config: &ApiConfig, pool: Database, pushes: &Pushes, shutdown: &Shutdown) -> Watchers {
    let (watchers, connected) = Watchers::new();
    let (wake, wake_pushes) = (watchers.clone(), pushes.clone());
    let draining = shutdown.draining.clone();
    let listening = hints::listen(config.redis.clone(), connected, draining, move |changed| {
        wake.wake(changed.user);
        for channel in changed.channels {
            wake_pushes.wake(channel);
        }
    });
    shutdown.tasks.spawn(listening);
    shutdown.tasks.spawn(fallback_poll::run(pool, watchers.clone(), shutdown.draining.clone()));
    watchers
}
