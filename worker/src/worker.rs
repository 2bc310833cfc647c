//! The composition of the worker.

use std::num::NonZeroU16;

use anyhow::Context;
use tokio::sync::watch;
use toneup_colour::analysis::ANALYSIS;
use toneup_colour::photo_answers::Answers;
use toneup_colour::photo_deletion::PHOTO_DELETION;
use toneup_jobs::broker::publisher::Publisher;
use toneup_jobs::engine::Engine;
use toneup_jobs::hints::Hints;
use toneup_jobs::run::{Window, Workers};
use toneup_jobs::sweep::Sweep;
use toneup_operate::intake;
use toneup_operate::replicas::{Activity, Program, Registry, Replica};
use toneup_people::deletion::PERSON_DELETION;
use toneup_people::erasures::erasures;
use toneup_people::kinds::kinds;
use toneup_people::pictures::{PICTURE, PICTURE_DELETION};
use toneup_platform::database::Database;
use toneup_platform::objects::Objects;
use toneup_platform::shutdown::Shutdown;

use crate::config::WorkerConfig;
use crate::flow::Flow;
use crate::jobs::analysis::Analyze;
use crate::jobs::person_deletion::DeletePerson;
use crate::jobs::photo_deletion::DeletePhoto;
use crate::jobs::picture::MakePicture;
use crate::jobs::picture_deletion::DeletePicture;

/// Photos, and pictures, deleted at once by one worker.
const DELETIONS: NonZeroU16 = NonZeroU16::MIN.saturating_add(3);
/// Pictures made at once, and people deleted at once, by one worker: the former take memory, the latter the database.
const ONE: NonZeroU16 = NonZeroU16::MIN;

/// Starts the worker's tasks on `shutdown`; no server needs to be reachable yet. The returned channel is `true` while
/// the worker consumes. Fails if the configuration is invalid.
pub fn start(config: WorkerConfig, shutdown: &Shutdown) -> anyhow::Result<watch::Receiver<bool>> {
    let database = Database::open_frugal(&config.database)?;
    shutdown.tasks.spawn(database.clone().report(shutdown.draining.clone()));
    let engine = open_engine(&config, &database, shutdown)?;
    Sweep::spawn(engine.clone(), shutdown);

    let (flow, window) = Flow::spawn(&config.analyzers, &config.redis, shutdown)?;
    let objects = Objects::new(&config.objects)?;
    let analyze = Analyze {
        objects: objects.clone(),
        answers: Answers::spawn(database.clone(), config.colour.photo_reuse, &shutdown.tasks),
        flow: flow.clone(),
        draining: shutdown.draining.clone(),
    };
    let kinds = engine.kinds.clone();
    let kind = |name| kinds.get(name).context("an unknown kind of job");
    let mut workers = Workers::new(engine, &config.redis, shutdown);
    workers.add(kind(ANALYSIS)?, analyze, window);
    let delete = DeletePhoto { database: database.clone(), objects: objects.clone() };
    workers.add(kind(PHOTO_DELETION)?, delete, Window::fixed(DELETIONS));
    workers.add(kind(PICTURE)?, MakePicture { objects: objects.clone() }, Window::fixed(ONE));
    let delete = DeletePicture { database: database.clone(), objects: objects.clone() };
    workers.add(kind(PICTURE_DELETION)?, delete, Window::fixed(DELETIONS));
    let delete = DeletePerson { database: database.clone(), objects, erasures: erasures() };
    workers.add(kind(PERSON_DELETION)?, delete, Window::fixed(ONE));

    // Paused until the database has been read: no job could be claimed before anyway.
    let (set_paused, paused) = watch::channel(true);
    let draining = shutdown.draining.clone();
    shutdown.tasks.spawn(intake::follow_intake(database, set_paused, draining));
    let ready = workers.spawn(config.broker, paused.clone());
    let registry = Registry::new(&config.redis)?;
    report(registry, flow, ready.clone(), paused, shutdown);
    Ok(ready)
}

fn open_engine(
    config: &WorkerConfig,
    database: &Database,
    shutdown: &Shutdown,
) -> anyhow::Result<Engine> {
    let kinds = kinds(&config.colour);
    let (broker, database) = (config.broker.clone(), database.clone());
    Ok(Engine {
        hints: Hints::spawn(&config.redis, &shutdown.tasks)?,
        publisher: Publisher::spawn(broker, database.clone(), kinds.clone(), None, shutdown),
        database,
        kinds,
        config: config.jobs,
    })
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
