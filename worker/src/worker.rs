//! Puts the worker together.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use toneup_shared::analyses::photos::Answers;
use toneup_shared::controls;
use toneup_shared::database::Database;
use toneup_shared::hints::Hints;
use toneup_shared::objects::Objects;
use toneup_shared::queue::publisher::Publisher;
use toneup_shared::queue::sweep::Sweep;
use toneup_shared::replicas::{Activity, Program, Registry, Replica};
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
    shutdown.tasks.spawn(pool.clone().report(shutdown.draining.clone()));
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
    let flow_seen = flow.clone();
    let jobs = Jobs {
        settlements: Settlements::spawn(pool.clone(), hints, publisher, config.jobs, shutdown),
        leases,
        objects: Objects::new(&config.objects)?,
        answers,
        flow,
        max_attempts: config.jobs.job_max_attempts,
        draining: shutdown.draining.clone(),
        aborting: shutdown.aborting.clone(),
    };
    let (set_ready, ready) = watch::channel(false);
    // Until the database has been asked, as if paused: nothing could be claimed anyway.
    let (set_paused, paused) = watch::channel(true);
    shutdown.tasks.spawn(follow_intake(pool.clone(), set_paused, shutdown.draining.clone()));
    let registry = Registry::new(&config.redis)?;
    report(registry, flow_seen, ready.clone(), paused.clone(), shutdown);
    let consumer = Consumer {
        broker: config.broker,
        dead: DeadLetters { pool },
        ready: set_ready,
        window,
        paused,
        jobs: Arc::new(jobs),
        shutdown: shutdown.clone(),
    };
    shutdown.tasks.spawn(consumer.run());
    Ok(ready)
}

/// Fills half the pool, so that the first jobs are as fast as any, and then heeds what operators say.
async fn follow_intake(pool: Database, paused: watch::Sender<bool>, draining: CancellationToken) {
    if let Some(Err(error)) =
        draining.run_until_cancelled(pool.fill(|lent| async { Ok(lent) })).await
    {
        tracing::warn!(%error, "cannot warm up");
    }
    controls::follow_intake(pool, paused, draining).await;
}

/// Reports this replica until the process ends.
fn report(
    registry: Registry,
    flow: Flow,
    ready: watch::Receiver<bool>,
    paused: watch::Receiver<bool>,
    shutdown: &Shutdown,
) {
    let describe = move |replica: &mut Replica| {
        replica.load = Some(flow.load());
        replica.activity = match (*ready.borrow(), *paused.borrow()) {
            (false, _) => Activity::Waiting,
            (true, true) => Activity::Paused,
            (true, false) => Activity::Ready,
        };
    };
    let report = registry.report(Replica::begin(Program::Worker), shutdown.clone(), describe);
    shutdown.tasks.spawn(report);
}
