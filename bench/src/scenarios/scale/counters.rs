//! Counters of the servers between two moments: statements, commands, processor time.

use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use url::Url;

use crate::site::database::OwnDatabase;
use crate::site::process;
use crate::site::servers::OwnRedis;
use crate::site::{Services, cpu};

/// Database and Redis of the scenario's own; the broker is shared.
pub(super) struct Servers {
    pub(super) database: OwnDatabase,
    pub(super) redis: OwnRedis,
    /// Addresses for the site.
    pub(super) services: Services,
}

/// Counters at one moment, or the difference between two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counters {
    at: Instant,
    /// Statements that the database has received.
    statements: u64,
    /// Commands that Redis has executed, those of scripts included.
    commands: u64,
    /// Processor time of Redis, of the database and of the broker.
    cpu: [Duration; 3],
}

/// Work of the servers in some time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    pub(super) seconds: f64,
    pub(super) statements: f64,
    pub(super) commands: f64,
    /// Milliseconds of Redis, of the database and of the broker.
    pub(super) cpu_ms: [f64; 3],
}

impl Servers {
    /// Starts the servers; `shared` are the others.
    pub(super) async fn start(shared: &Services) -> anyhow::Result<Self> {
        let (database, redis) = (OwnDatabase::start().await?, OwnRedis::start().await?);
        let (database_url, redis_url) = (database.url.clone(), redis.url.parse()?);
        let services = Services { database_url, redis_url, ..shared.clone() };
        Ok(Self { database, redis, services })
    }

    /// Reads the counters.
    pub(super) async fn count(&self) -> anyhow::Result<Counters> {
        let redis = self.redis.id().context("Redis does not run")?;
        Ok(Counters {
            at: Instant::now(),
            statements: self.database.status("Questions").await?,
            commands: commands(&self.services.redis_url).await?,
            cpu: [cpu::used(redis)?, cpu::used(self.database.id()?)?, broker_time()?],
        })
    }

    /// Work of the servers since `before`.
    pub(super) async fn since(&self, before: Counters) -> anyhow::Result<Work> {
        let now = self.count().await?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a minute")]
        let more = |now: u64, before: u64| now.saturating_sub(before) as f64;
        let spent = |of: usize| now.cpu[of].saturating_sub(before.cpu[of]).as_secs_f64() * 1e3;
        Ok(Work {
            seconds: (now.at - before.at).as_secs_f64(),
            statements: more(now.statements, before.statements),
            commands: more(now.commands, before.commands),
            cpu_ms: [spent(0), spent(1), spent(2)],
        })
    }

    /// Port of the database.
    pub(super) fn database_port(&self) -> anyhow::Result<u16> {
        self.database.url.port().context("the database's address has no port")
    }
}

/// Processor time of the broker; none if it runs elsewhere.
fn broker_time() -> anyhow::Result<Duration> {
    let broker: Vec<Pid> = process::server("rabbitmq").into_iter().collect();
    cpu::used_by(&broker)
}

/// Commands that the Redis at `url` has executed so far.
async fn commands(url: &Url) -> anyhow::Result<u64> {
    let address = (url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or(6379));
    let mut redis = TcpStream::connect(address).await?;
    redis.write_all(b"INFO stats\r\nQUIT\r\n").await?;
    let mut said = String::new();
    redis.read_to_string(&mut said).await?;
    ensure!(said.starts_with('$'), "Redis says {said:?}");
    let line = said.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
    Ok(line.context("Redis does not count its commands")?.trim().parse()?)
}
