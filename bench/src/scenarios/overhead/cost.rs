//! What jobs cost: CPU time of the contender's processes and of each server, and the statements that the database received.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Pid;

use crate::site::process::named_servers;
use crate::site::{Site, cpu};

/// Statements that the database server has received so far, from all clients.
#[derive(Debug, Clone, Copy, Default)]
struct Statements {
    /// Executed statements.
    executed: u64,
    /// `COM_PING`, and other commands of administration.
    pings: u64,
}

/// What has been used until some moment.
pub(super) struct Meter {
    own: Vec<Pid>,
    servers: Vec<(String, Pid)>,
    used: BTreeMap<String, Duration>,
    statements: Statements,
}

/// Cost of a run, per job.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    /// CPU time of the contender's own processes, in milliseconds.
    pub(super) own_ms: f64,
    /// CPU time of each server, in milliseconds.
    pub(super) servers_ms: BTreeMap<String, f64>,
    /// Statements that the database executed.
    pub(super) statements: f64,
    /// Pings that it answered.
    pub(super) pings: f64,
}

/// Name of the contender's own processes beside the servers'.
const OWN: &str = "own";
/// Name of the object store's process.
const S3: &str = "s3";

impl Meter {
    /// Begins to count. `redis` is a Redis of the contender's own.
    pub(super) async fn start(site: &Site, redis: Option<Pid>) -> anyhow::Result<Self> {
        let mut servers = named_servers();
        servers.extend(redis.map(|redis| ("redis".to_owned(), redis)));
        let own = site.processes()?;
        let used = used(&own, &servers)?;
        let statements = statements(site).await?;
        Ok(Self { own, servers, used, statements })
    }

    /// Cost of each of `jobs` since the start.
    pub(super) async fn per_job(&self, site: &Site, jobs: usize) -> anyhow::Result<Cost> {
        let (now, told) = (used(&self.own, &self.servers)?, statements(site).await?);
        #[expect(clippy::cast_precision_loss, reason = "a number of jobs or statements")]
        let each = |count: f64| count / jobs.max(1) as f64;
        let ms = |name: &str| {
            let before = self.used.get(name).copied().unwrap_or_default();
            let spent = now.get(name).copied().unwrap_or_default().saturating_sub(before);
            each(spent.as_secs_f64() * 1e3)
        };
        #[expect(clippy::cast_precision_loss, reason = "a number of statements")]
        let since = |now: u64, before: u64| each(now.saturating_sub(before) as f64);
        let servers = now.keys().filter(|name| *name != OWN);
        Ok(Cost {
            own_ms: ms(OWN),
            servers_ms: servers.map(|name| (name.clone(), ms(name))).collect(),
            statements: since(told.executed, self.statements.executed),
            pings: since(told.pings, self.statements.pings),
        })
    }
}

impl Cost {
    /// CPU time of the servers without the object store's.
    pub(super) fn services_ms(&self) -> f64 {
        self.servers_ms.iter().filter(|(name, _)| *name != S3).map(|(_, ms)| ms).sum()
    }

    /// CPU time of the object store.
    pub(super) fn s3_ms(&self) -> f64 {
        self.servers_ms.get(S3).copied().unwrap_or_default()
    }

    /// The servers' shares as text.
    pub(super) fn shares(&self) -> String {
        let share = |(name, ms): (&String, &f64)| format!("{name} {ms:.2}");
        let used = self.servers_ms.iter().filter(|(_, ms)| **ms >= 0.005);
        used.map(share).collect::<Vec<_>>().join(", ")
    }
}

fn used(own: &[Pid], servers: &[(String, Pid)]) -> anyhow::Result<BTreeMap<String, Duration>> {
    let mut used = BTreeMap::from([(OWN.to_owned(), cpu::used_by(own)?)]);
    for (name, server) in servers {
        *used.entry(name.clone()).or_default() += cpu::used(*server)?;
    }
    Ok(used)
}

async fn statements(site: &Site) -> anyhow::Result<Statements> {
    let asked = "SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Com_admin_commands')";
    let rows: Vec<(String, String)> =
        sqlx::query_as(asked).fetch_all(&mut site.connect().await?).await?;
    let counts: BTreeMap<String, String> = rows.into_iter().collect();
    let count = |name: &str| -> anyhow::Result<u64> {
        Ok(counts.get(name).with_context(|| format!("no status {name}"))?.parse()?)
    };
    Ok(Statements { executed: count("Questions")?, pings: count("Com_admin_commands")? })
}

/// Resident memory of a process, in megabytes.
pub(super) fn resident_mb(process: Pid) -> anyhow::Result<f64> {
    let path = format!("/proc/{}/status", process.as_raw_nonzero());
    let status = std::fs::read_to_string(path)?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<f64>().ok());
    Ok(kilobytes.context("the process does not say what it uses")? / 1024.0)
}
