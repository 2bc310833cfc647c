//! Stub analyzers, proxies and a Redis as separate processes.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Client;
use rustix::process::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use super::process::{Process, free_port, output};
use super::{repository, within};
use crate::stub::http::Stats;
use crate::stub::{Settings, service::Variation};

const START_TIMEOUT: Duration = Duration::from_secs(10);
const PEER_START_TIMEOUT: Duration = Duration::from_mins(1);

/// A running stub analyzer.
#[derive(Debug)]
pub struct Analyzer {
    /// Base URL of the stub.
    pub url: String,
    control: String,
    http: Client,
    _process: Process,
}

impl Analyzer {
    /// Starts a stub with these settings.
    pub async fn start(name: &str, settings: &Settings) -> anyhow::Result<Self> {
        let mut arguments = vec!["stub".to_owned()];
        arguments.push(format!("--slots={}", settings.slots));
        arguments.push(format!("--service={}us", (settings.service_ms * 1e3).round()));
        arguments.push(format!("--lanes={}", settings.lanes));
        match settings.variation {
            Variation::Fixed => {}
            Variation::Lognormal(cv) => arguments.push(format!("--cv={cv}")),
            Variation::Pareto(exponent) => arguments.push(format!("--pareto={exponent}")),
        }
        arguments.extend(settings.degrade.then(|| "--degrade".to_owned()));
        arguments.extend((!settings.headers).then(|| "--no-headers".to_owned()));
        let (process, said) = ourselves(name, &arguments).await?;
        let url = |name: &str| said[name].as_str().map(|address| format!("http://{address}"));
        Ok(Self {
            url: url("address").context("the stub says no address")?,
            control: url("control").context("the stub says no control address")?,
            http: crate::load::target::http()?,
            _process: process,
        })
    }

    /// Changes some settings of the stub.
    pub async fn change(&self, changes: Value) -> anyhow::Result<()> {
        let request = self.http.post(format!("{}/control", self.control)).json(&changes);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "the stub refuses {changes}");
        Ok(())
    }

    /// Reads the stub's complete record.
    pub async fn stats(&self) -> anyhow::Result<Stats> {
        let request = self.http.get(format!("{}/stats?series=true", self.control));
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

/// A running blocking proxy.
#[derive(Debug)]
pub struct HoldingProxy {
    /// Base URL of the proxy.
    pub url: String,
    _process: Process,
}

impl HoldingProxy {
    /// Starts a proxy with so many permits.
    pub async fn start(name: &str, analyzer: &str, permits: usize) -> anyhow::Result<Self> {
        let permits = permits.to_string();
        let arguments = ["proxy", "--analyzer", analyzer, "--permits", &permits].map(str::to_owned);
        let (process, said) = ourselves(name, &arguments).await?;
        let address = said["address"].as_str().context("the proxy says no address")?;
        Ok(Self { url: format!("http://{address}"), _process: process })
    }
}

/// A running peer of the likes, which locks each post in Redis.
#[derive(Debug)]
pub(crate) struct LockingPeer {
    /// Base URL of the peer.
    pub(crate) url: String,
    _process: Process,
    _redis: OwnRedis,
}

impl LockingPeer {
    /// Starts the peer beside the API at `api`, with a Redis of its own, in the API's database.
    pub(crate) async fn start(name: &str, database_url: &str, api: &str) -> anyhow::Result<Self> {
        let redis = OwnRedis::start().await?;
        let arguments = [
            "redis-lock".to_owned(),
            format!("--database-url={database_url}"),
            format!("--redis-url={}", redis.url),
            format!("--keys={api}/.well-known/jwks.json"),
        ];
        let (process, said) = ourselves(name, &arguments).await?;
        let address = said["address"].as_str().context("the peer says no address")?;
        Ok(Self { url: format!("http://{address}"), _process: process, _redis: redis })
    }
}

/// A running Celery with its Redis, its worker, and the HTTP server that holds requests.
#[derive(Debug)]
pub struct CeleryQueue {
    /// Base URL of the HTTP server.
    pub url: String,
    _processes: [Process; 2],
    _redis: OwnRedis,
}

impl CeleryQueue {
    /// Starts Celery with so many concurrent jobs.
    pub async fn start(name: &str, analyzer: &str, concurrency: usize) -> anyhow::Result<Self> {
        let redis = OwnRedis::start().await?;
        let variables = [
            ("REDIS_URL", redis.url.as_str()),
            ("ANALYZER_URL", analyzer),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let start = |role: &str, program: &str, arguments: &str| {
            let name = format!("{name}-{role}");
            let mut command = Command::new(repository().join(".local/venv/bin").join(program));
            command.args(arguments.split(' ')).stdout(output(&name)?);
            command.current_dir(repository().join("bench/peers"));
            Process::spawn(&name, command, &variables)
        };
        let worker = format!("-A celery_queue worker -P threads -c {concurrency} --without-gossip");
        let worker = start("worker", "celery", &worker)?;
        let port = free_port()?;
        let front = format!("celery_queue:front --host 127.0.0.1 --port {port} --no-access-log");
        let front = start("front", "uvicorn", &front)?;
        let url = format!("http://127.0.0.1:{port}");
        let http = crate::load::target::http()?;
        within(PEER_START_TIMEOUT, async || {
            let asked = http.get(format!("{url}/readyz")).send().await;
            asked.is_ok_and(|answer| answer.status().is_success())
        })
        .await
        .context("Celery does not start")?;
        Ok(Self { url, _processes: [worker, front], _redis: redis })
    }
}

/// Starts this program with other arguments, and reads the line that names its addresses.
async fn ourselves(name: &str, arguments: &[String]) -> anyhow::Result<(Process, Value)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdout(Stdio::piped());
    let mut process = Process::spawn(name, command, &[])?;
    let stdout = process.child.stdout.take().context("no output")?;
    let mut line = String::new();
    let read = timeout(START_TIMEOUT, BufReader::new(stdout).read_line(&mut line)).await;
    read.with_context(|| format!("{name} does not say where it serves"))??;
    Ok((process, serde_json::from_str(&line).with_context(|| format!("{name} said {line:?}"))?))
}

/// A Redis that can be killed.
#[derive(Debug)]
pub struct OwnRedis {
    /// URL of the server.
    pub url: String,
    port: u16,
    /// Folder of the append-only file; `None` keeps nothing.
    folder: Option<PathBuf>,
    process: Option<Process>,
}

impl OwnRedis {
    /// Starts the server on a free port.
    pub async fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        let url = format!("redis://127.0.0.1:{port}/0");
        let mut redis = Self { url, port, folder: None, process: None };
        redis.revive().await?;
        Ok(redis)
    }

    /// Starts the server on a free port, with an append-only file that is written to disk once a second.
    pub(crate) async fn start_durable() -> anyhow::Result<Self> {
        let port = free_port()?;
        let folder = std::env::temp_dir().join(format!("toneup-bench-redis-{port}"));
        std::fs::create_dir_all(&folder)?;
        let url = format!("redis://127.0.0.1:{port}/0");
        let mut redis = Self { url, port, folder: Some(folder), process: None };
        redis.revive().await?;
        Ok(redis)
    }

    /// Process id of the server; `None` while it is down.
    pub(crate) fn id(&self) -> Option<Pid> {
        self.process.as_ref()?.id().ok()
    }

    /// Kills the server (SIGKILL).
    pub async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Restarts the server, empty, at the same address.
    pub async fn revive(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new("redis-server");
        let port = self.port.to_string();
        let durable = if self.folder.is_some() { "yes" } else { "no" };
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", ""]);
        command.args(["--appendonly", durable, "--appendfsync", "everysec"]);
        let folder = self.folder.clone().unwrap_or_else(std::env::temp_dir);
        command.current_dir(folder).stdout(output("redis")?);
        self.process = Some(Process::spawn("redis", command, &[])?);
        let address = ("127.0.0.1", self.port);
        within(START_TIMEOUT, async || tokio::net::TcpStream::connect(address).await.is_ok())
            .await
            .context("Redis does not start")
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.process.take();
        if let Some(folder) = &self.folder {
            // What is left is in the folder of temporary files.
            std::fs::remove_dir_all(folder).ok();
        }
    }
}
