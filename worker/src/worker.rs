//! Puts the worker together.

use std::sync::Arc;

use tokio::sync::watch;
use toneup_shared::analyses::photos::Answers;
use toneup_shared::database::Database;
use toneup_shared::hints::Hints;
use toneup_shared::objects::Objects;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::queue::sweep::Sweep;
use toneup_shared::shutdown::Shutdown;

use crate::config::WorkerConfig;
use crate::consumer::Consumer;
use crate::dead::DeadLetters;
use crate::flow::Flow;
use crate::job::Jobs;
use crate::leases::LeaseKeeper;
use crate::settle::Settlements;

/// Starts consuming, sweeping and renewing on `shutdown`; nothing needs to be reachable yet. Returns whether it consumes.
pub fn start(config: WorkerConfig, shutdown: &Shutdown) -> anyhow::Result<watch::Receiver<bool>> {
    let pool = Database::open(&config.database)?;
    let hints = Hints::spawn(&config.redis, &shutdown.tasks)?;
    let publisher = Publisher::spawn(config.broker.clone(), pool.clone(), None, shutdown);
    let sweep = Sweep {
        pool: pool.clone(),
        publisher: publisher.clone(),
        hints: hints.clone(),
        jobs: config.jobs,
        share: None,
    };
    shutdown.tasks.spawn(sweep.run(shutdown.draining.clone()));

    let leases = LeaseKeeper::spawn(pool.clone(), &config.redis, config.jobs.job_lease, shutdown);
    let (flow, window) = Flow::spawn(&config.analyzers, &config.redis, shutdown)?;
    let answers = Answers::spawn(pool.clone(), config.jobs.photo_reuse, &shutdown.tasks);
    let jobs = Jobs {
        settlements: Settlements::spawn(pool.clone(), hints, publisher, config.jobs, shutdown),
        leases,
        objects: Objects::new(&config.objects),
        answers,
        flow,
        max_attempts: config.jobs.job_max_attempts,
        draining: shutdown.draining.clone(),
        aborting: shutdown.aborting.clone(),
    };
    let (set_ready, ready) = watch::channel(false);
    let consumer = Consumer {
        broker: config.broker,
        dead: DeadLetters { pool },
        ready: set_ready,
        window,
        jobs: Arc::new(jobs),
        shutdown: shutdown.clone(),
    };
    shutdown.tasks.spawn(consumer.run());
    Ok(ready)
}
