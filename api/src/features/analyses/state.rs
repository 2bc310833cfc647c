//! The state of analyses.

use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::held::Share;
use toneup_shared::analyses::photos::Answers;
use toneup_shared::analyses::submit::Submitter;
use toneup_shared::config::JobsConfig;
use toneup_shared::config::RedisConfig;
use toneup_shared::database::Database;
use toneup_shared::hints::Hints;
use toneup_shared::objects::Objects;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::shutdown::Shutdown;

use super::cancel::Canceller;
use super::fallback_poll;
use super::multipart::PhotoPermits;
use super::queue_view::QueueView;
use super::watch::Watchers;
use crate::features::uploads::Seal;

/// The services that analyses are built on.
#[derive(Debug)]
pub struct Dependencies<'a> {
    /// The rules of a job's life.
    pub jobs: JobsConfig,
    /// Redis, which holds the analyzers' capacity.
    pub redis: &'a RedisConfig,
    /// The database.
    pub pool: Database,
    /// Publishes jobs.
    pub publisher: Publisher,
    /// Tells other processes about changes.
    pub hints: Hints,
    /// The share of the broker's queue that one user may use.
    pub share: Share,
    /// The photos.
    pub objects: Objects,
    /// Reads photos' digests out of object keys.
    pub seal: Seal,
    /// The requests that wait for a change.
    pub watchers: Watchers,
}

/// The part of the application's state that analyses use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AnalysesState {
    pub(super) jobs: JobsConfig,
    pub(super) pool: Database,
    pub(super) submitter: Submitter,
    pub(super) answers: Answers,
    pub(super) canceller: Canceller,
    pub(super) objects: Objects,
    pub(super) seal: Seal,
    pub(super) watchers: Watchers,
    pub(super) queue: QueueView,
    pub(super) photo_permits: PhotoPermits,
    pub(super) draining: CancellationToken,
}

impl AnalysesState {
    /// Starts the background tasks of analyses on `shutdown`.
    pub fn start(services: Dependencies<'_>, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let Dependencies { jobs, redis, pool, publisher, hints, share, objects, seal, watchers } =
            services;
        let (tasks, draining) = (&shutdown.tasks, shutdown.draining.clone());
        tasks.spawn(fallback_poll::run(pool.clone(), watchers.clone(), draining.clone()));
        Ok(Self {
            queue: QueueView::spawn(pool.clone(), redis, share.clone(), shutdown)?,
            answers: Answers::spawn(pool.clone(), jobs.photo_reuse, tasks),
            canceller: Canceller {
                pool: pool.clone(),
                hints: hints.clone(),
                publisher: publisher.clone(),
                jobs,
            },
            submitter: Submitter::spawn(pool.clone(), publisher, hints, jobs, share, tasks),
            jobs,
            pool,
            objects,
            seal,
            watchers,
            photo_permits: PhotoPermits::default(),
            draining,
        })
    }

    /// Cancels analyses on behalf of operators.
    pub(crate) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The queue as of about a second ago.
    pub(crate) fn queue(&self) -> QueueView {
        self.queue.clone()
    }
}
