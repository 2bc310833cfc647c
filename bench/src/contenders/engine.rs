//! The job engine with one kind of job that does nothing: what the product costs is left out.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::watch;
use toneup_jobs::broker::publisher::Publisher;
use toneup_jobs::config::JobsConfig;
use toneup_jobs::document::Document;
use toneup_jobs::engine::Engine;
use toneup_jobs::hints::{self, Hints};
use toneup_jobs::job::{Changed, JobId};
use toneup_jobs::kind::{Kind, Kinds};
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler, Window, Workers};
use toneup_jobs::share::Share;
use toneup_jobs::store::claim::Claimed;
use toneup_jobs::store::read::find_all;
use toneup_jobs::store::submit::{NewJob, Submitted};
use toneup_jobs::submitter::Submitter;
use toneup_jobs::sweep::Sweep;
use toneup_platform::batch::{Batcher, Limits};
use toneup_platform::config::{BrokerConfig, DatabaseConfig, RedisConfig, Settings};
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;
use toneup_platform::shutdown::Shutdown;
use toneup_platform::trace::TraceParent;
use uuid::Uuid;

use super::front::{Accept, Streams, User, serve};

const KIND: &str = "greeting";
/// Version that a job has when its first attempt ends: accepted, claimed, ended.
const ENDED: u32 = 2;
/// One user's jobs in the broker or running at once, and unfinished: more than the load has.
const MANY: u32 = 10_000;
/// Unacknowledged deliveries of the worker.
const WINDOW: NonZeroU16 = NonZeroU16::MIN.saturating_add(255);

fn kinds() -> Kinds {
    let share = Share::fixed(MANY);
    Kinds::new("overhead", [Kind { user_ceiling: MANY, share, ..Kind::new(KIND) }])
}

fn open(settings: &Settings, shutdown: &Shutdown) -> anyhow::Result<Engine> {
    let broker: BrokerConfig = settings.section()?;
    let redis: RedisConfig = settings.section()?;
    let (database, kinds) = (Database::open(&settings.section::<DatabaseConfig>()?)?, kinds());
    let publisher = Publisher::spawn(broker, database.clone(), kinds.clone(), None, shutdown);
    let hints = Hints::spawn(&redis, &shutdown.tasks)?;
    Ok(Engine { database, kinds, publisher, hints, config: JobsConfig::default() })
}

fn kind(engine: &Engine) -> anyhow::Result<Kind> {
    Ok(engine.kinds.get(KIND).context("the kind")?.clone())
}

/// Submits through the engine's group commit.
#[derive(Debug)]
struct Front(Submitter);

impl Accept for Front {
    async fn accept(&self, user: User) -> anyhow::Result<Uuid> {
        let (id, trace) = (JobId::generate(), TraceParent::new());
        let user = UserId(Uuid::from_u128(u128::from(user) + 1));
        let payload = Document::of(&"Ada")?;
        let (deadline, idempotency, result) = (None, None, None);
        let job = NewJob { id, user, payload, trace, deadline, idempotency, result };
        match self.0.submit(job).await? {
            Submitted::Accepted { .. } => Ok(id.0),
            refused => anyhow::bail!("{refused:?}"),
        }
    }
}

/// Accepts jobs over HTTP and pushes their results; a hint says which to read.
pub async fn front(listen: SocketAddr) -> anyhow::Result<()> {
    let (settings, shutdown) = (Settings::from_env(), Shutdown::default());
    let engine = open(&settings, &shutdown)?;
    let streams = Streams::default();
    let (database, pushed) = (engine.database.clone(), streams.clone());
    let read = move |jobs: Vec<JobId>| {
        let (database, pushed) = (database.clone(), pushed.clone());
        async move { push_ended(&database, &pushed, jobs).await }
    };
    let reads: Batcher<JobId, (), sqlx::Error> =
        Batcher::spawn(Limits::default(), &shutdown.tasks, read);
    let tasks = shutdown.tasks.clone();
    let on_hint = move |changed: Changed| {
        if changed.version >= ENDED {
            let reads = reads.clone();
            tasks.spawn(async move { reads.submit(changed.job).await });
        }
    };
    let connected = watch::channel(false).0;
    let listening =
        hints::listen(settings.section()?, connected, shutdown.draining.clone(), on_hint);
    shutdown.tasks.spawn(listening);
    Sweep::spawn(engine.clone(), &shutdown);
    engine.publisher.until_ready().await;
    let kind = kind(&engine)?;
    serve(listen, Front(Submitter::spawn(engine, kind, &shutdown.tasks)), streams).await
}

async fn push_ended(
    database: &Database,
    streams: &Streams,
    jobs: Vec<JobId>,
) -> Result<Vec<()>, sqlx::Error> {
    let distinct: BTreeSet<JobId> = jobs.iter().copied().collect();
    let found = database.batch(async |conn| find_all(conn, &distinct).await).await?;
    for job in found.iter().filter(|job| job.status.is_terminal()) {
        let user = User::try_from(job.user.0.as_u128() - 1).unwrap_or_default();
        streams.push(user, job.id.0);
    }
    Ok(vec![(); jobs.len()])
}

#[derive(Debug)]
struct Greet;

impl Handler for Greet {
    async fn run(&self, job: &Claimed) -> Attempt {
        let greeting = job.payload.read().map(|name: String| format!("Hello, {name}!"));
        match greeting.and_then(|greeting| Document::of(&greeting)) {
            Ok(result) => Attempt::Succeeded { result, note: None },
            Err(error) => Attempt::Failed(JobError::permanent("NO_NAME", &error.to_string())),
        }
    }
}

/// Works on the jobs.
pub async fn worker() -> anyhow::Result<()> {
    let (settings, shutdown) = (Settings::from_env(), Shutdown::default());
    let engine = open(&settings, &shutdown)?;
    Sweep::spawn(engine.clone(), &shutdown);
    let (kind, redis): (Kind, RedisConfig) = (kind(&engine)?, settings.section()?);
    let mut workers = Workers::new(engine, &redis, &shutdown);
    workers.add(&kind, Greet, Window::fixed(WINDOW));
    // No operator pauses it; the sender is kept as long as the worker runs.
    let (resumed, paused) = watch::channel(false);
    let resumed = Arc::new(resumed);
    workers.spawn(settings.section()?, paused);
    shutdown.aborting.cancelled().await;
    drop(resumed);
    Ok(())
}
