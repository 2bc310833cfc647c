//! Registry of the running replicas: each reports itself in Redis, and can be asked there to drain. Reports expire
//! within seconds unless repeated. Only operators' views depend on it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;
use redis::aio::ConnectionManager;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;
use uuid::Uuid;

use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{bounded, client, connection_config};
use toneup_platform::shutdown::Shutdown;

/// Interval of a replica's reports while they change.
const EVERY: Duration = Duration::from_secs(2);
/// Interval of the reports while they say the same: an idle replica costs Redis next to nothing.
const UNCHANGED: Duration = Duration::from_secs(10);
/// Interval of the reports while draining.
const WHILE_DRAINING: Duration = Duration::from_millis(250);
/// Lifetime of a report: two may be lost.
const LASTS: Duration = Duration::from_secs(30);
/// Lifetime of a request to drain.
const WISH: Duration = Duration::from_mins(1);
/// Most replicas that are listed.
const MOST: usize = 1000;

/// Identifier of one process for its lifetime.
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

/// Program that a replica runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Program {
    /// HTTP API.
    Api,
    /// Worker, which runs jobs.
    Worker,
}

/// Current activity of a replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// Ready: working, or able to.
    Ready,
    /// Waiting for a server that it needs.
    Waiting,
    /// Idle, because an operator has paused the intake.
    Paused,
    /// Finishing its work before it ends.
    Draining,
}

impl Activity {
    /// Name of the activity in JSON.
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
    /// Address of the instance; `other` for those beyond the first few dozen.
    pub instance: String,
    /// Limit of this worker's concurrent requests.
    pub limit: u32,
    /// Requests of this worker in flight.
    pub in_flight: u32,
    /// Concurrent requests that the instance reports it can process; `None` if it reports none.
    pub slots: Option<u32>,
    /// True while the worker considers the instance unavailable.
    pub breaker_open: bool,
}

/// Load of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerLoad {
    /// Limit of the worker's concurrent requests, summed over all analyzers.
    pub limit: u32,
    /// Requests of the worker in flight, summed over all analyzers.
    pub in_flight: u32,
    /// Prefetched jobs that wait for their turn.
    pub waiting: u32,
    /// The analyzer instances, one by one.
    pub analyzers: Vec<AnalyzerView>,
}

/// Report of a replica.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replica {
    /// Identifier of the replica.
    pub id: ReplicaId,
    /// Program that the replica runs.
    pub program: Program,
    /// Version of the program.
    pub version: String,
    /// Host name: the machine or the pod.
    pub host: String,
    /// Start time of the process.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// Current activity.
    pub activity: Activity,
    /// Open event streams; `None` unless the program is the api.
    pub streams: Option<u32>,
    /// Load of the worker; `None` for other programs.
    pub load: Option<WorkerLoad>,
}

impl Replica {
    /// Creates the report of a replica that starts now.
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

/// Combines all workers' views of the analyzers: sums of limits and requests; unavailable if any worker considers it
/// so.
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

/// Registry of the replicas in Redis. Cheap to clone.
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
    /// Creates the client; it connects at first use. Fails if the URL is invalid.
    pub fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        Ok(Self {
            redis: client(config)?.get_connection_manager_lazy(connection_config())?,
            prefix: format!("{}replicas:", config.redis_prefix),
            script: Script::new(include_str!("replicas.lua")),
        })
    }

    /// Reports every few seconds until the process ends, with what `describe` fills in; drains the process on an
    /// operator's request.
    pub async fn report(
        self,
        mut replica: Replica,
        shutdown: Shutdown,
        describe: impl Fn(&mut Replica),
    ) {
        let mut told: Option<(Replica, Instant)> = None;
        loop {
            describe(&mut replica);
            let draining = shutdown.draining.is_cancelled();
            if draining {
                replica.activity = Activity::Draining;
            }
            let is_known = |(last, at): &(Replica, Instant)| {
                *last == replica && at.elapsed() < UNCHANGED && !draining
            };
            if !told.as_ref().is_some_and(is_known) {
                match self.exchange(&replica).await {
                    Ok(asked) => {
                        told = Some((replica.clone(), Instant::now()));
                        if asked && !draining {
                            tracing::info!("draining at an operator's request");
                            shutdown.leave();
                        }
                    }
                    Err(error) => tracing::debug!(%error, "cannot report"),
                }
            }
            if !draining {
                shutdown.draining.run_until_cancelled(sleep(EVERY)).await;
            } else if shutdown.tasks.len() > 1 {
                shutdown.aborting.run_until_cancelled(sleep(WHILE_DRAINING)).await;
            }
            // The shutdown must not wait for this task.
            if shutdown.aborting.is_cancelled() || (draining && shutdown.tasks.len() <= 1) {
                break;
            }
        }
        if let Err(error) = self.forget(replica.id).await {
            tracing::debug!(%error, "cannot remove the report");
        }
    }

    /// Sends this replica's report; `true` if an operator has asked it to drain.
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

    /// Lists the replicas with a valid report: apis first, then workers, the oldest first.
    pub async fn list(&self) -> Result<Vec<Replica>, redis::RedisError> {
        let mut call = LIST.prepare_invoke();
        call.key(format!("{}{STATES}", self.prefix)).key(format!("{}{EXPIRY}", self.prefix));
        call.arg(MOST);
        let reports: Vec<Option<String>> =
            bounded(call.invoke_async(&mut self.redis.clone())).await?;
        // An unreadable report is of another release.
        let read = reports.iter().flatten().filter_map(|text| serde_json::from_str(text).ok());
        let mut replicas: Vec<Replica> = read.collect();
        replicas.sort_by_key(|replica| (replica.program, replica.started_at, replica.id));
        Ok(replicas)
    }

    /// Asks a replica to drain, as SIGTERM would; `false` if no replica has this id.
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
