//! What handlers share.

use std::sync::Arc;

use sqlx::MySqlPool;
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::submit::Submitter;
use toneup_shared::hints;
use toneup_shared::hints::Hints;
use toneup_shared::objects::Objects;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::queue::sweep::Sweep;
use toneup_shared::shutdown::Shutdown;
use toneup_shared::{analyses, database};

use super::limits::RateLimiter;
use crate::accounts::token::Tokens;
use crate::analyses::multipart::PhotoPermits;
use crate::analyses::queue_view::QueueView;
use crate::analyses::watch::Watchers;
use crate::config::ApiConfig;

/// What handlers share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AppState {
    /// The settings.
    pub config: Arc<ApiConfig>,
    /// The database.
    pub pool: MySqlPool,
    /// Accepts analyses.
    pub submitter: Submitter,
    /// The photos.
    pub objects: Objects,
    /// Issues and checks access tokens.
    pub tokens: Tokens,
    /// Wakes whoever waits for an analysis.
    pub watchers: Watchers,
    /// The queue, as of about a second ago.
    pub queue: QueueView,
    /// Counts what an address may do.
    pub limiter: RateLimiter,
    /// Bounds the photos held in memory.
    pub photo_permits: PhotoPermits,
    /// Cancelled when the process begins to end.
    pub draining: CancellationToken,
}

impl AppState {
    /// Opens everything and starts the background tasks on `shutdown`.
    pub fn start(config: ApiConfig, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let pool = database::pool(&config.database)?;
        let draining = shutdown.draining.clone();
        let publisher =
            Publisher::spawn(config.broker.clone(), pool.clone(), config.jobs, shutdown);
        let hints = Hints::spawn(&config.redis, &shutdown.tasks)?;
        let sweep =
            Sweep { pool: pool.clone(), publisher: publisher.clone(), hints, jobs: config.jobs };
        shutdown.tasks.spawn(sweep.run(draining.clone()));
        let purge =
            analyses::purge::run(pool.clone(), config.server.idempotency_ttl, draining.clone());
        shutdown.tasks.spawn(purge);

        let (watchers, connected) = Watchers::new();
        let wake = watchers.clone();
        let listening =
            hints::listen(config.redis.clone(), connected, draining.clone(), move |changed| {
                wake.wake(changed.user);
            });
        shutdown.tasks.spawn(listening);
        let queue = QueueView::spawn(pool.clone(), shutdown);

        Ok(Self {
            submitter: Submitter::spawn(pool.clone(), publisher, config.jobs, &shutdown.tasks),
            objects: Objects::new(&config.objects),
            tokens: Tokens::new(&config.server),
            limiter: RateLimiter::new(&config.redis)?,
            config: Arc::new(config),
            photo_permits: PhotoPermits::default(),
            pool,
            watchers,
            queue,
            draining,
        })
    }
}
