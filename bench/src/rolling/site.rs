//! System under update: two apis behind a load balancer, three workers and two analyzers, each a slot that holds an old
//! process first and a new one later.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use reqwest::Client;
use tokio::process::Command;

use super::Options;
use crate::site::process::{Process, log, output};
use crate::site::replica::Replica;
use crate::site::{TOKEN_KEY, repository, within};

/// Longest time from a process's start until it serves; an analyzer loads and tries its models.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Timeout of a process's termination: a little more than its own longest grace (43 s).
const TERMINATE_TIMEOUT: Duration = Duration::from_secs(50);
const BALANCER_LOG: &str = "rolling/haproxy";
const ASK_TIMEOUT: Duration = Duration::from_secs(3);

/// Ports of our own processes, relative to `TONEUP_PORT_BASE`.
const PUBLIC_PORT: u16 = 80;
const STATS_PORT: u16 = 81;
const API_PORT: u16 = 82;
const WORKER_PORT: u16 = 84;
const ANALYZER_PORT: u16 = 88;

/// Programs that are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Analyzer,
    Worker,
    Api,
}

impl Program {
    fn count(self) -> u16 {
        if self == Self::Worker { 3 } else { 2 }
    }
}

/// A slot for one process.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    program: Program,
    old: Replica,
    new: Replica,
    /// URL of its readiness probe.
    ready: String,
}

/// All processes of the run.
#[derive(Debug)]
pub(super) struct Site {
    /// Base URL of the load balancer.
    pub(super) public_url: String,
    slots: Vec<Slot>,
    stats: String,
    variables: Vec<(String, String)>,
    http: Client,
    balancer: Process,
}

impl Site {
    /// Starts all processes in the old release.
    pub(super) async fn open(options: &Options) -> anyhow::Result<Self> {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], options.port_base + port));
        let variables = variables(options, &local);
        migrate(&options.old, &variables).await?;
        let slots = [Program::Analyzer, Program::Worker, Program::Api]
            .into_iter()
            .flat_map(|program| (0..program.count()).map(move |index| (program, index)))
            .map(|(program, index)| slot(options, program, index, &variables, &local))
            .collect::<Vec<_>>();
        let http = Client::builder().no_proxy().timeout(ASK_TIMEOUT).build()?;
        try_join_all(slots.iter().map(|slot| slot.old.start())).await?;
        for slot in &slots {
            is_ready(&http, slot).await?;
        }
        let balancer = balancer(&local)?;
        let site = Self {
            public_url: format!("http://{}", local(PUBLIC_PORT)),
            slots,
            stats: format!("http://{}/stats;csv", local(STATS_PORT)),
            variables,
            http,
            balancer,
        };
        for slot in site.slots(Program::Api) {
            site.is_up(slot).await?;
        }
        Ok(site)
    }

    /// Slots of a program.
    pub(super) fn slots(&self, program: Program) -> impl Iterator<Item = &Slot> {
        self.slots.iter().filter(move |slot| slot.program == program)
    }

    /// Migrates the database to the schema of a release.
    pub(super) async fn migrate(&self, release: &Path) -> anyhow::Result<()> {
        migrate(release, &self.variables).await
    }

    /// Terminates the old process, waits until it has ended, and starts the new one in its slot.
    pub(super) async fn replace(&self, slot: &Slot) -> anyhow::Result<()> {
        slot.old.terminate(TERMINATE_TIMEOUT).await?;
        slot.new.start().await?;
        is_ready(&self.http, slot).await?;
        if slot.program == Program::Api { self.is_up(slot).await } else { Ok(()) }
    }

    /// Waits until the load balancer sends requests to an api.
    async fn is_up(&self, slot: &Slot) -> anyhow::Result<()> {
        let is_up = async || {
            let Ok(answer) = self.http.get(&self.stats).send().await else { return false };
            answer.text().await.is_ok_and(|table| status(&table, &slot.name) == Some("UP"))
        };
        within(START_TIMEOUT, is_up).await.with_context(|| {
            let log = log(BALANCER_LOG);
            format!("the load balancer does not take {}; its log: {}", slot.name, log.display())
        })
    }

    /// Restarts processes that have ended by themselves; describes each.
    pub(super) async fn revive(&self) -> anyhow::Result<Vec<String>> {
        let mut incidents = Vec::new();
        for slot in &self.slots {
            incidents.extend(slot.old.revive().await?);
            incidents.extend(slot.new.revive().await?);
        }
        Ok(incidents)
    }

    /// Ends all processes.
    pub(super) async fn close(self) {
        for slot in &self.slots {
            slot.old.kill().await;
            slot.new.kill().await;
        }
        self.balancer.kill().await;
    }
}

async fn is_ready(http: &Client, slot: &Slot) -> anyhow::Result<()> {
    let is_ready = async || {
        http.get(&slot.ready).send().await.is_ok_and(|answer| answer.status().is_success())
    };
    within(START_TIMEOUT, is_ready).await.with_context(|| {
        let (old, new) = (log(&slot.old.name), log(&slot.new.name));
        format!("{} is not ready; its logs: {}, {}", slot.name, old.display(), new.display())
    })
}

async fn migrate(release: &Path, variables: &[(String, String)]) -> anyhow::Result<()> {
    let program = release.join("toneup").display().to_string();
    let name = "rolling/migrate";
    let migrated = Process::start(name, &program, &["migrate"], variables)?.ended().await?;
    ensure!(migrated.success(), "`{program} migrate` failed: {}", log(name).display());
    Ok(())
}

fn slot(
    options: &Options,
    program: Program,
    index: u16,
    common: &[(String, String)],
    local: &impl Fn(u16) -> SocketAddr,
) -> Slot {
    let (word, port, setting) = match program {
        Program::Analyzer => ("analyzer", ANALYZER_PORT, "ANALYZER_LISTEN"),
        Program::Worker => ("worker", WORKER_PORT, "METRICS_LISTEN"),
        Program::Api => ("api", API_PORT, "API_LISTEN"),
    };
    let (name, address) = (format!("{word}-{}", index + 1), local(port + index));
    let replica = |release: &Path, age: &str| {
        let mut variables = common.to_vec();
        variables.push((setting.to_owned(), address.to_string()));
        let name = format!("rolling/{name}-{age}");
        if program == Program::Analyzer {
            let modules = release.join("analyzer").display().to_string();
            variables.push(("PYTHONPATH".to_owned(), modules));
            let python = options.python.display().to_string();
            return Replica::new(
                name,
                python,
                ["-m", "app"].map(str::to_owned).to_vec(),
                variables,
            );
        }
        let path = release.join(format!("toneup-{word}")).display().to_string();
        Replica::new(name, path, Vec::new(), variables)
    };
    Slot {
        old: replica(&options.old, "old"),
        new: replica(&options.new, "new"),
        ready: format!("http://{address}/readyz"),
        program,
        name,
    }
}

/// Starts haproxy with the configuration in `deploy/`.
fn balancer(local: &impl Fn(u16) -> SocketAddr) -> anyhow::Result<Process> {
    let mut command = Command::new("/usr/sbin/haproxy");
    command.arg("-db").arg("-f").arg(repository().join("deploy/haproxy/haproxy.cfg"));
    command.stdout(output(BALANCER_LOG)?);
    let variables = [
        ("LISTEN", PUBLIC_PORT),
        ("STATS_LISTEN", STATS_PORT),
        ("API_1", API_PORT),
        ("API_2", API_PORT + 1),
    ];
    let variables = variables.map(|(name, port)| (name.to_owned(), local(port).to_string()));
    Process::spawn(BALANCER_LOG, command, &variables).context("is the package haproxy installed?")
}

/// Status of a server in haproxy's CSV table: `# pxname,svname,…,status,…`.
fn status<'a>(table: &'a str, server: &str) -> Option<&'a str> {
    let mut lines = table.lines();
    let column = lines.next()?.split(',').position(|name| name == "status")?;
    let row = lines.find(|line| line.split(',').nth(1) == Some(server))?;
    row.split(',').nth(column)
}

/// Settings of every process: those of production, but for where things are.
fn variables(options: &Options, local: &impl Fn(u16) -> SocketAddr) -> Vec<(String, String)> {
    let services = &options.services;
    let analyzers = [0, 1].map(|index| format!("http://{}", local(ANALYZER_PORT + index)));
    let pairs = [
        ("DATABASE_URL", services.database_url.to_string()),
        ("AMQP_URL", services.amqp_url.to_string()),
        ("REDIS_URL", services.redis_url.to_string()),
        ("REDIS_PREFIX", "rolling:".to_owned()),
        ("S3_ENDPOINT", services.s3_endpoint.to_string()),
        ("S3_PUBLIC_ENDPOINT", services.s3_endpoint.to_string()),
        ("S3_BUCKET", services.s3_bucket.clone()),
        ("S3_ACCESS_KEY_ID", services.s3_access_key_id.clone()),
        ("S3_SECRET_ACCESS_KEY", services.s3_secret_access_key.clone()),
        ("ANALYZER_URLS", analyzers.join(",")),
        ("ANALYZER_SLOTS", "1".to_owned()),
        ("JWT_SECRET", "a secret that only this run uses, nothing else".to_owned()),
        ("OPERATOR_SECRET", "another secret that only this run uses".to_owned()),
        ("TOKEN_KEYS", TOKEN_KEY.to_owned()),
        ("DATA_KEYS", TOKEN_KEY.to_owned()),
        ("ACCESS_TOKEN_TTL", "2h".to_owned()),
        ("GUEST_SESSIONS_PER_MINUTE", "1000000".to_owned()),
        ("UPLOADS_PER_HOUR", "1000000".to_owned()),
        ("SUBMITS_PER_HOUR", "1000000000".to_owned()),
        ("CANCELS_PER_HOUR", "1000000".to_owned()),
        ("STREAMS_PER_USER", "100000".to_owned()),
        ("STREAMS_PER_REPLICA", "100000".to_owned()),
        ("API_DRAIN_DELAY", options.drain_delay.clone()),
        ("RUST_LOG", "info".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_s_state_is_read_from_the_load_balancer_s_table() {
        let table = "# pxname,svname,qcur,status,weight,\n\
            clients,FRONTEND,,OPEN,,\napis,api-1,0,DOWN,1,\napis,api-2,0,UP,1,\napis,BACKEND,0,UP,1,\n";
        assert_eq!(status(table, "api-1"), Some("DOWN"));
        assert_eq!(status(table, "api-2"), Some("UP"));
        assert_eq!(status(table, "api-3"), None);
        assert_eq!(status("", "api-1"), None);
    }
}
