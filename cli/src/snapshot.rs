//! Snapshot of the whole system: the counts of the database, and the reports of the replicas in Redis.

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use sqlx::MySqlPool;
use time::OffsetDateTime;
use toneup_colour::analysis::ANALYSIS;
use toneup_jobs::store::load::{QueueLoad, measure_load};
use toneup_jobs::store::search::{list_spans, percentile};
use toneup_operate::actions::Actor;
use toneup_operate::intake::read_intake;
use toneup_operate::replicas::{AnalyzerView, Program, Registry, Replica, analyzers};
use toneup_platform::config::{RedisConfig, Settings};

use crate::database;
use crate::exit::Unreachable;

/// Most ended jobs that percentiles are computed from.
const SPANS: u32 = 500;

/// Operator on whose behalf a command acts.
#[derive(Debug, Args)]
pub(crate) struct Acting {
    /// Your name, as recorded in the audit log
    #[arg(long = "as", value_name = "NAME", env = "USER", default_value = "unknown", value_parser = name)]
    pub(crate) operator: String,
}

impl Acting {
    /// Operator for the audit log, at the command line.
    pub(crate) fn actor(&self) -> Actor<'_> {
        Actor { operator: &self.operator, address: None }
    }
}

/// Parses an operator's name of valid length.
fn name(text: &str) -> Result<String, &'static str> {
    const LONGEST: usize = 60;
    let fits = (1..=LONGEST).contains(&text.chars().count());
    if fits { Ok(text.to_owned()) } else { Err("expected 1 to 60 characters") }
}

/// State of the system at one moment.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Snapshot {
    pub(crate) queue: Queue,
    /// Jobs that ended per second, averaged over the last minute.
    pub(crate) per_second: f64,
    /// Median time from submission to end, in seconds, of the jobs that ended in the last half minute; null if none
    /// did.
    pub(crate) p50_seconds: Option<f64>,
    pub(crate) p95_seconds: Option<f64>,
    pub(crate) dead_letters: i64,
    pub(crate) intake_paused: bool,
    pub(crate) intake_changed_by: Option<String>,
    /// Reports of the replicas; null while Redis is unavailable.
    pub(crate) replicas: Option<Vec<Replica>>,
    pub(crate) analyzers: Vec<AnalyzerView>,
}

/// Numbers of unfinished jobs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Queue {
    /// Queued jobs with a message in the broker.
    pub(crate) queued: i64,
    /// Jobs held because they exceed their owner's share.
    pub(crate) held: i64,
    pub(crate) running: i64,
    /// Overdue rows, which the sweep should have processed.
    pub(crate) due: i64,
    pub(crate) oldest_seconds: f64,
}

/// Opens the registry of replicas at `REDIS_URL`.
pub(crate) fn registry() -> anyhow::Result<Registry> {
    let config: RedisConfig = Settings::from_env().section()?;
    Registry::new(&config).context("REDIS_URL: expected redis://…")
}

/// Lists the replicas; the error says why they are unknown.
pub(crate) async fn replicas(registry: &Registry) -> anyhow::Result<Vec<Replica>> {
    registry.list().await.map_err(|error| Unreachable::new("redis", error).into())
}

/// Reads the numbers of unfinished jobs, and the queue's load.
pub(crate) async fn queue(pool: &MySqlPool) -> anyhow::Result<(Queue, QueueLoad)> {
    let mut connection = pool.acquire().await.context("cannot connect to the database")?;
    let load = measure_load(&mut connection, ANALYSIS).await.map_err(database::explain)?;
    let queue = Queue {
        queued: load.queued - load.held,
        held: load.held,
        running: load.running,
        due: load.due,
        oldest_seconds: load.oldest_seconds.unwrap_or_default(),
    };
    Ok((queue, load))
}

/// Reads the whole snapshot.
pub(crate) async fn take(pool: &MySqlPool, registry: &Registry) -> anyhow::Result<Snapshot> {
    let (queue, load) = queue(pool).await?;
    let mut connection = pool.acquire().await.context("cannot connect to the database")?;
    let intake = read_intake(&mut connection).await.map_err(database::explain)?;
    let spans = list_spans(&mut connection, ANALYSIS, SPANS).await.map_err(database::explain)?;
    drop(connection);
    let replicas = registry.list().await.ok();
    Ok(Snapshot {
        queue,
        per_second: f64::from(u32::try_from(load.ended).unwrap_or(u32::MAX)) / 60.0,
        p50_seconds: percentile(&spans, 50),
        p95_seconds: percentile(&spans, 95),
        dead_letters: load.dead,
        intake_paused: intake.paused,
        intake_changed_by: intake.changed.map(|(operator, _)| operator),
        analyzers: replicas.as_deref().map(analyzers).unwrap_or_default(),
        replicas,
    })
}

impl Snapshot {
    /// Number of workers; `None` while Redis is unavailable.
    pub(crate) fn workers(&self) -> Option<usize> {
        let replicas = self.replicas.as_ref()?;
        Some(replicas.iter().filter(|replica| replica.program == Program::Worker).count())
    }

    /// Describes the conditions that need attention.
    pub(crate) fn troubles(&self) -> Vec<String> {
        let away = self.analyzers.iter().filter(|analyzer| analyzer.breaker_open);
        let mut troubles = Vec::new();
        match self.workers() {
            None => troubles.push("Redis is unavailable".to_owned()),
            Some(0) => troubles.push("no worker runs".to_owned()),
            Some(_) => {}
        }
        if self.intake_paused {
            let by = self.intake_changed_by.as_deref().unwrap_or("an operator");
            troubles.push(format!("the intake is paused by {by}"));
        }
        troubles
            .extend(away.map(|analyzer| format!("analyzer {} is unavailable", analyzer.instance)));
        if self.dead_letters > 0 {
            troubles.push(format!("{} dead letters: toneup dead list", self.dead_letters));
        }
        troubles
    }
}

/// Time elapsed since `at`.
pub(crate) fn since(at: OffsetDateTime) -> time::Duration {
    OffsetDateTime::now_utc() - at
}
