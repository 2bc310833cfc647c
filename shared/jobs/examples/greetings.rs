//! A program of its own on the engine: one kind of job, its handler, a submit and its result. Needs `DATABASE_URL` (with
//! the tables of the migrations), `AMQP_URL` and `REDIS_URL`.

use std::num::NonZeroU16;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;
use toneup_jobs::broker::publisher::Publisher;
use toneup_jobs::config::JobsConfig;
use toneup_jobs::document::Document;
use toneup_jobs::engine::Engine;
use toneup_jobs::hints::Hints;
use toneup_jobs::job::JobId;
use toneup_jobs::kind::{Kind, Kinds};
use toneup_jobs::outcome::JobError;
use toneup_jobs::run::{Attempt, Handler, Window, Workers};
use toneup_jobs::store::claim::Claimed;
use toneup_jobs::store::read::find;
use toneup_jobs::store::submit::NewJob;
use toneup_jobs::submitter::Submitter;
use toneup_jobs::sweep::Sweep;
use toneup_platform::config::{BrokerConfig, DatabaseConfig, RedisConfig, Settings};
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;
use toneup_platform::shutdown::Shutdown;
use toneup_platform::trace::TraceParent;

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

/// Submits a name, has a worker greet it, and returns the greeting.
pub async fn greet(settings: &Settings, name: &str) -> anyhow::Result<String> {
    let (shutdown, kinds) = (Shutdown::default(), Kinds::new("example", [Kind::new("greeting")]));
    let (broker, redis): (BrokerConfig, RedisConfig) = (settings.section()?, settings.section()?);
    let database = Database::open(&settings.section::<DatabaseConfig>()?)?;
    let (db, known) = (database.clone(), kinds.clone());
    let publisher = Publisher::spawn(broker.clone(), db, known, None, &shutdown);
    let hints = Hints::spawn(&redis, &shutdown.tasks)?;
    let engine = Engine { database, kinds, publisher, hints, config: JobsConfig::default() };
    let kind = engine.kinds.get("greeting").context("the kind")?.clone();
    Sweep::spawn(engine.clone(), &shutdown);
    let mut workers = Workers::new(engine.clone(), &redis, &shutdown);
    workers.add(&kind, Greet, Window::fixed(NonZeroU16::MIN));
    workers.spawn(broker, watch::channel(false).1);

    let (id, user, trace) = (JobId::generate(), UserId::LOAD_TESTER, TraceParent::new());
    let payload = Document::of(&name)?;
    let (deadline, idempotency, result) = (None, None, None);
    let job = NewJob { id, user, payload, trace, deadline, idempotency, result };
    Submitter::spawn(engine.clone(), kind, &shutdown.tasks).submit(job).await?;
    let greeting = loop {
        let job = find(&mut *engine.database.acquire().await?, id).await?.context("the job")?;
        match job.result {
            Some(result) => break result.read()?,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    shutdown.draining.cancel();
    Ok(greeting)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the greeting is what the program is for")]
async fn main() -> anyhow::Result<()> {
    toneup_platform::tls::install();
    println!("{}", greet(&Settings::from_env(), "Ada").await?);
    Ok(())
}
