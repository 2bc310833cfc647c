//! The replicas of the programs as they report themselves in Redis, and the wish that one of them should leave. A report
//! lasts some seconds: who does not repeat it is gone. Nothing depends on it but what operators see.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;
use redis::aio::ConnectionManager;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::{sleep, timeout};
use utoipa::ToSchema;
use uuid::Uuid;

use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{REDIS_TIMEOUT, client, connection_config};
use toneup_platform::shutdown::Shutdown;

/// Between two reports of one replica.
const EVERY: Duration = Duration::from_secs(2);
/// The same, while it drains.
const WHILE_DRAINING: Duration = Duration::from_millis(250);
/// How long a report lasts: three may get lost.
const LASTS: Duration = Duration::from_secs(8);
/// How long a wish waits for its replica.
const WISH: Duration = Duration::from_mins(1);
/// Most replicas that are listed.
const MOST: usize = 1000;

/// Names one process for as long as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct ReplicaId(pub Uuid);

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ReplicaId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Which program it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// The HTTP API.
    Api,
    /// Takes jobs.
    Worker,
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// It works, or could.
    Ready,
    /// It cannot work: what it needs is away.
    Waiting,
    /// It takes no jobs, because an operator has paused the intake.
    Paused,
    /// It finishes what it has, and ends.
    Draining,
}

impl Activity {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Draining => "draining",
        }
    }
}

/// A worker's view of one analyzer instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalyzerView {
    /// Its address; `other` for those beyond the first few dozen.
    pub instance: String,
    /// Requests that this worker may have there.
    pub limit: u32,
    /// Requests that it has there.
    pub in_flight: u32,
    /// What the instance says it works on at once.
    pub slots: Option<u32>,
    /// Whether the worker believes it away.
    pub breaker_open: bool,
}

/// What a worker has in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerLoad {
    /// Requests that it may have at the analyzers.
    pub limit: u32,
    /// Requests that it has there.
    pub in_flight: u32,
    /// Jobs in its hands that wait for their turn.
    pub waiting: u32,
    /// The analyzers, one by one.
    pub analyzers: Vec<AnalyzerView>,
}

/// What a replica says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replica {
    /// Its name.
    pub id: ReplicaId,
    /// Which program it is.
    pub program: Program,
    /// The program's version.
    pub version: String,
    /// The machine, or the pod.
    pub host: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// What it does.
    pub activity: Activity,
    /// Of an api: the event streams that clients hold open.
    pub streams: Option<u32>,
    /// Of a worker: its jobs.
    pub load: Option<WorkerLoad>,
}

impl Replica {
    /// A replica that begins now.
    pub fn begin(program: Program) -> Self {
        Self {
            id: ReplicaId(Uuid::new_v4()),
            program,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: std::fs::read_to_string("/proc/sys/kernel/hostname")
                .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned()),
            started_at: OffsetDateTime::now_utc(),
            activity: Activity::Waiting,
            streams: None,
            load: None,
        }
    }
}

/// The analyzers as all workers together see them: limits and requests in sum; away, if any worker believes so.
pub fn analyzers(replicas: &[Replica]) -> Vec<AnalyzerView> {
    let mut all: BTreeMap<&str, AnalyzerView> = BTreeMap::new();
    for view in
        replicas.iter().filter_map(|replica| replica.load.as_ref()).flat_map(|l| &l.analyzers)
    {
        let Some(sum) = all.get_mut(view.instance.as_str()) else {
            all.insert(&view.instance, view.clone());
            continue;
        };
        sum.limit = sum.limit.saturating_add(view.limit);
        sum.in_flight = sum.in_flight.saturating_add(view.in_flight);
        sum.slots = sum.slots.max(view.slots);
        sum.breaker_open |= view.breaker_open;
    }
    all.into_values().collect()
}

/// Where replicas report. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    redis: ConnectionManager,
    prefix: String,
    script: Script,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Registry {
    /// Prepares the connection; it is made at first use.
    pub fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        Ok(Self {
            redis: client(config)?.get_connection_manager_lazy(connection_config())?,
            prefix: format!("{}replicas:", config.redis_prefix),
            script: Script::new(include_str!("replicas.lua")),
        })
    }

    /// Reports every few seconds until the process ends, with what `describe` fills in; drains the process when an
    /// operator wishes so.
    pub async fn report(
        self,
        mut replica: Replica,
        shutdown: Shutdown,
        describe: impl Fn(&mut Replica),
    ) {
        loop {
            describe(&mut replica);
            let draining = shutdown.draining.is_cancelled();
            if draining {
                replica.activity = Activity::Draining;
            }
            match self.exchange(&replica).await {
                Ok(true) if !draining => {
                    tracing::info!("an operator wants this replica to leave");
                    shutdown.leave();
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "cannot report"),
            }
            if !draining {
                shutdown.draining.run_until_cancelled(sleep(EVERY)).await;
            } else if shutdown.tasks.len() > 1 {
                shutdown.aborting.run_until_cancelled(sleep(WHILE_DRAINING)).await;
            }
            // This task must not be what the end waits for.
            if shutdown.aborting.is_cancelled() || (draining && shutdown.tasks.len() <= 1) {
                break;
            }
        }
        if let Err(error) = self.forget(replica.id).await {
            tracing::debug!(%error, "cannot say goodbye");
        }
    }

    /// Says what this replica is like; `true` if an operator wants it to leave.
    pub async fn exchange(&self, replica: &Replica) -> Result<bool, redis::RedisError> {
        let mut call = self.script.prepare_invoke();
        for key in [STATES.to_owned(), EXPIRY.to_owned(), leave_key(replica.id)] {
            call.key(format!("{}{key}", self.prefix));
        }
        call.arg(replica.id.to_string())
            .arg(serde_json::to_string(replica).unwrap_or_default())
            .arg(u64::try_from(LASTS.as_millis()).unwrap_or(u64::MAX));
        bounded(call.invoke_async(&mut self.redis.clone())).await
    }

    async fn forget(&self, id: ReplicaId) -> Result<(), redis::RedisError> {
        let mut pipe = redis::pipe();
        pipe.hdel(format!("{}{STATES}", self.prefix), id.to_string()).ignore();
        pipe.zrem(format!("{}{EXPIRY}", self.prefix), id.to_string()).ignore();
        bounded(pipe.query_async(&mut self.redis.clone())).await
    }

    /// Who reported in the last seconds: apis first, then workers, the oldest first.
    pub async fn list(&self) -> Result<Vec<Replica>, redis::RedisError> {
        let mut call = LIST.prepare_invoke();
        call.key(format!("{}{STATES}", self.prefix)).key(format!("{}{EXPIRY}", self.prefix));
        call.arg(MOST);
        let reports: Vec<Option<String>> =
            bounded(call.invoke_async(&mut self.redis.clone())).await?;
        // One that cannot be read is of another release.
        let read = reports.iter().flatten().filter_map(|text| serde_json::from_str(text).ok());
        let mut replicas: Vec<Replica> = read.collect();
        replicas.sort_by_key(|replica| (replica.program, replica.started_at, replica.id));
        Ok(replicas)
    }

    /// Asks a replica to leave, as SIGTERM would; `false` if there is none of this name.
    pub async fn ask_to_leave(&self, id: ReplicaId) -> Result<bool, redis::RedisError> {
        if !self.list().await?.iter().any(|replica| replica.id == id) {
            return Ok(false);
        }
        let mut wish = redis::cmd("SET");
        wish.arg(format!("{}{}", self.prefix, leave_key(id))).arg(1);
        wish.arg("EX").arg(WISH.as_secs());
        bounded(wish.query_async::<()>(&mut self.redis.clone())).await.map(|()| true)
    }
}

const STATES: &str = "states";
const EXPIRY: &str = "expiry";

fn leave_key(id: ReplicaId) -> String {
    format!("leave:{id}")
}

static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local time = redis.call('TIME')
         local now = time[1] * 1000 + math.floor(time[2] / 1000)
         local ids = redis.call('ZRANGEBYSCORE', KEYS[2], now, '+inf', 'LIMIT', 0, ARGV[1])
         if #ids == 0 then return {} end
         return redis.call('HMGET', KEYS[1], unpack(ids))",
    )
});

/// Waits for one answer of Redis, in bounded time.
async fn bounded<T>(
    call: impl Future<Output = Result<T, redis::RedisError>>,
) -> Result<T, redis::RedisError> {
    match timeout(REDIS_TIMEOUT, call).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(std::io::Error::from(elapsed).into()),
    }
}
