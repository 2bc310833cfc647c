//! The services that more than one feature is built on.

use toneup_shared::analyses::held::Share;
use toneup_shared::database::Database;
use toneup_shared::hints::Hints;
use toneup_shared::objects::Objects;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::queue::sweep::Sweep;
use toneup_shared::replicas::{Activity, Program, Registry, Replica};
use toneup_shared::shutdown::Shutdown;

use super::config::ApiConfig;
use crate::http::limits::RateLimiter;
use crate::http::measure::OpenStreams;

/// Connections and clients, opened once for the process.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) pool: Database,
    pub(super) publisher: Publisher,
    pub(super) hints: Hints,
    pub(super) share: Share,
    pub(super) objects: Objects,
    pub(super) registry: Registry,
    pub(super) limiter: RateLimiter,
    pub(super) streams: OpenStreams,
}

impl Platform {
    /// Opens everything, and starts to report this replica until the process ends.
    pub(super) fn open(config: &ApiConfig, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let pool = Database::open(&config.database)?;
        let audits = Some(config.jobs.job_audit_interval);
        let platform = Self {
            publisher: Publisher::spawn(config.broker.clone(), pool.clone(), audits, shutdown),
            hints: Hints::spawn(&config.redis, &shutdown.tasks)?,
            share: Share::default(),
            objects: Objects::new(&config.objects)?,
            registry: Registry::new(&config.redis)?,
            limiter: RateLimiter::new(&config.redis)?,
            streams: OpenStreams::default(),
            pool,
        };
        let (registry, streams) = (platform.registry.clone(), platform.streams.clone());
        let replica = Replica::begin(Program::Api);
        shutdown.tasks.spawn(registry.report(replica, shutdown.clone(), move |replica| {
            replica.activity = Activity::Ready;
            replica.streams = Some(streams.count());
        }));
        Ok(platform)
    }

    /// The task that publishes due jobs and ends expired ones.
    pub(super) fn sweep(&self, config: &ApiConfig) -> Sweep {
        Sweep {
            pool: self.pool.clone(),
            publisher: self.publisher.clone(),
            hints: self.hints.clone(),
            jobs: config.jobs,
            share: Some(self.share.clone()),
        }
    }
}
