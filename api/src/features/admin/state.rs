//! The state of the operators' pages.

use toneup_shared::database::Database;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::replicas::Registry;
use toneup_shared::shutdown::Shutdown;

use super::series::Series;
use crate::features::analyses::{Canceller, QueueView, Watchers};

/// The services that the operators' pages are built on.
#[derive(Debug)]
pub struct Dependencies {
    /// The database.
    pub pool: Database,
    /// The replicas.
    pub registry: Registry,
    /// Publishes jobs.
    pub publisher: Publisher,
    /// Knows whether hints arrive.
    pub watchers: Watchers,
    /// Cancels analyses.
    pub canceller: Canceller,
    /// The queue as of about a second ago.
    pub queue: QueueView,
}

/// The part of the application's state that the operators' pages use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AdminState {
    pub(super) pool: Database,
    pub(super) registry: Registry,
    pub(super) publisher: Publisher,
    pub(super) watchers: Watchers,
    pub(super) canceller: Canceller,
    pub(super) series: Series,
}

impl AdminState {
    /// Starts to take samples on `shutdown`.
    pub fn start(services: Dependencies, shutdown: &Shutdown) -> Self {
        let Dependencies { pool, registry, publisher, watchers, canceller, queue } = services;
        let series = Series::spawn(pool.clone(), queue, registry.clone(), shutdown);
        Self { pool, registry, publisher, watchers, canceller, series }
    }
}
