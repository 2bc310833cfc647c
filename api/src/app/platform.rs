//! The services that more than one feature is built on.

use std::time::Duration;

use toneup_jobs::broker::publisher::Publisher;
use toneup_jobs::engine::Engine;
use toneup_jobs::hints::Hints;
use toneup_operate::replicas::{Activity, Program, Registry, Replica};
use toneup_people::kinds::kinds;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::Database;
use toneup_platform::leader::Leadership;
use toneup_platform::objects::Objects;
use toneup_platform::shutdown::Shutdown;

use super::config::ApiConfig;
use crate::http::limits::RateLimiter;
use crate::http::measure::OpenStreams;

/// Time after which another replica takes over what one does for all.
const MAINTENANCE_LEASE: Duration = Duration::from_secs(6);

/// Connections and clients, opened once for the process.
#[derive(Debug)]
pub(super) struct Platform {
    pub(super) pool: Database,
    pub(super) engine: Engine,
    pub(super) objects: Objects,
    pub(super) registry: Registry,
    pub(super) limiter: RateLimiter,
    pub(super) streams: OpenStreams,
    /// Leadership in what one api replica does for all: audits, purges, telling those who are away of messages.
    pub(super) maintenance: Leadership,
}

impl Platform {
    /// Opens everything, and starts to report this replica until the process ends.
    pub(super) fn open(config: &ApiConfig, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let pool = Database::open(&config.database)?;
        let maintenance =
            Leadership::spawn(pool.clone(), "maintenance", MAINTENANCE_LEASE, || true, shutdown);
        let platform = Self {
            engine: open_engine(config, &config.redis, &pool, maintenance.clone(), shutdown)?,
            objects: Objects::new(&config.objects)?,
            registry: Registry::new(&config.redis)?,
            limiter: RateLimiter::new(&config.redis)?,
            streams: OpenStreams::default(),
            maintenance,
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
}

fn open_engine(
    config: &ApiConfig,
    redis: &RedisConfig,
    pool: &Database,
    maintenance: Leadership,
    shutdown: &Shutdown,
) -> anyhow::Result<Engine> {
    let kinds = kinds(&config.colour);
    let audits = Some((config.jobs.job_audit_interval, maintenance));
    let (broker, database) = (config.broker.clone(), pool.clone());
    Ok(Engine {
        publisher: Publisher::spawn(broker, database.clone(), kinds.clone(), audits, shutdown),
        hints: Hints::spawn(redis, &shutdown.tasks)?,
        database,
        kinds,
        config: config.jobs,
    })
}
