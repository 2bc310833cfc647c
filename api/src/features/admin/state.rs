//! The state of the operators' pages.

use toneup_jobs::engine::Engine;
use toneup_operate::replicas::Registry;
use toneup_platform::shutdown::Shutdown;

use super::series::Series;
use crate::features::analyses::{QueueView, Watchers};

/// The services that the operators' pages are built on.
#[derive(Debug)]
pub struct Dependencies {
    /// Cancels and replays jobs.
    pub engine: Engine,
    /// Registry of running replicas.
    pub registry: Registry,
    /// Knows whether hints arrive.
    pub watchers: Watchers,
    /// The queue as of about a second ago.
    pub queue: QueueView,
}

/// The part of the application's state that the operators' pages use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AdminState {
    pub(super) engine: Engine,
    pub(super) registry: Registry,
    pub(super) watchers: Watchers,
    pub(super) series: Series,
}

impl AdminState {
    /// Starts to take samples on `shutdown`.
    pub fn start(services: Dependencies, shutdown: &Shutdown) -> Self {
        let Dependencies { engine, registry, watchers, queue } = services;
        let series = Series::spawn(engine.database.clone(), queue, registry.clone(), shutdown);
        Self { engine, registry, watchers, series }
    }
}
