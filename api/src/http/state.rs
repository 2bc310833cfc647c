//! What handlers share.

use std::sync::Arc;

use tokio::sync::OnceCell;
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
use toneup_shared::shutdown::Shutdown;

use super::limits::RateLimiter;
use crate::accounts::token::Tokens;
use crate::analyses::cancel::Canceller;
use crate::analyses::multipart::PhotoPermits;
use crate::analyses::queue_view::QueueView;
use crate::analyses::watch::Watchers;
use crate::config::ApiConfig;
use crate::push::Pushes;
use crate::uploads::seal::Seal;

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
    /// Counts what an address may do.
    pub limiter: RateLimiter,
    /// Bounds the photos held in memory.
    pub photo_permits: PhotoPermits,
    /// Cancelled when the process should not be sent anything more.
    pub leaving: CancellationToken,
    /// Whether the load tests' user has been made.
    pub load_tester: Arc<OnceCell<()>>,
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
        let sweep = Sweep {
            pool: pool.clone(),
            publisher: publisher.clone(),
            hints: hints.clone(),
            jobs: config.jobs,
            share: Some(share.clone()),
        };
        shutdown.tasks.spawn(sweep.run(draining.clone()));
        let retention = Retention {
            idempotency: config.server.idempotency_ttl,
            pushes: config.push.retention,
            events: config.server.event_retention,
        };
        shutdown.tasks.spawn(purge::run(pool.clone(), retention, draining.clone()));

        let (watchers, connected) = Watchers::new();
        let pushes = Pushes::start(&config.push, pool.clone(), shutdown)?;
        let (wake, wake_pushes) = (watchers.clone(), pushes.clone());
        let listening =
            hints::listen(config.redis.clone(), connected, draining.clone(), move |changed| {
                wake.wake(changed.user);
                wake_pushes.wake();
            });
        shutdown.tasks.spawn(listening);
        let queue = QueueView::spawn(pool.clone(), &config.redis, share.clone(), shutdown)?;
        let canceller = Canceller {
            pool: pool.clone(),
            hints: hints.clone(),
            publisher: publisher.clone(),
            jobs: config.jobs,
        };

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
            objects: Objects::new(&config.objects),
            seal: Seal::new(&config.server)?,
            tokens: Tokens::new(&config.server),
            limiter: RateLimiter::new(&config.redis)?,
            config: Arc::new(config),
            photo_permits: PhotoPermits::default(),
            load_tester: Arc::default(),
            pool,
            watchers,
            pushes,
            queue,
            leaving: shutdown.leaving.clone(),
            draining,
        })
    }
}
