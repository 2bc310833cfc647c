//! System under test: three apis, three workers and an analyzer as processes, with a breakable link for all their
//! connections to each other and to the servers.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use reqwest::Client;
use serde_json::json;
use url::Url;

use super::link::Proxy;
use super::schedule::{APIS, Breakage, Link, Program, SKEWED_WORKER, WORKERS};
use super::servers::Servers;
use crate::site::process::{Process, log};
use crate::site::replica::Replica;
use crate::site::{Services, TOKEN_KEY, within};
use crate::stub::Health;

/// Longest time from a process's start until it serves.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// Grace period of the processes (`API_SHUTDOWN_GRACE`, `WORKER_SHUTDOWN_GRACE`).
const GRACE: Duration = Duration::from_secs(8);
/// Time within which terminated processes must have ended: they abort 3 s after their grace, the rest is for a busy
/// machine.
const TERMINATE_TIMEOUT: Duration = Duration::from_secs(20);
/// Maximum attempts of a job, as configured.
pub(crate) const MAX_ATTEMPTS: i64 = 5;
/// Slots of the analyzer: twenty photos a second, more than are submitted.
const SLOTS: usize = 4;
const SERVICE: &str = "200ms";
const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);

/// Ports of our own processes, from `TONEUP_PORT_BASE`: below those that the kernel deals out, since a process must get
/// its port back when it starts again.
const API_PORT: u16 = 81;
const ANALYZER_PORT: u16 = 91;
const CONTROL_PORT: u16 = 92;

/// All processes and links of the run.
#[derive(Debug)]
pub(crate) struct Site {
    apis: Vec<Replica>,
    workers: Vec<Replica>,
    analyzer: Replica,
    links: HashMap<(Link, usize), Proxy>,
    control: String,
    clock: PathBuf,
    http: Client,
}

impl Site {
    /// Starts all processes; files go to `folder`.
    pub(crate) async fn open(
        servers: &Servers,
        port_base: u16,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port_base + port));
        let links = open_links(servers, &local).await?;
        let clock = folder.join("worker-clock");
        std::fs::write(&clock, "+0")?;
        check_clock(&clock).await?;

        let common = common_variables(servers);
        let migrated = Process::start("chaos/migrate", "toneup", &["migrate"], &common)?;
        let log = log("chaos/migrate");
        ensure!(migrated.ended().await?.success(), "`toneup migrate` failed: {}", log.display());

        let routes = Routes { services: &servers.services, links: &links };
        let mut apis = Vec::new();
        for replica in 0..APIS {
            let mut variables = common.clone();
            variables.extend(routes.of_api(replica)?);
            variables.push(("API_LISTEN".to_owned(), local(api_port(replica)).to_string()));
            let name = format!("chaos/api-{}", replica + 1);
            apis.push(Replica::new(name, "toneup-api", Vec::new(), variables));
        }
        let mut workers = Vec::new();
        for replica in 0..WORKERS {
            let mut variables = common.clone();
            variables.extend(routes.of_worker(replica)?);
            if replica == SKEWED_WORKER {
                variables.extend(fake_clock(&clock));
            }
            let name = format!("chaos/worker-{}", replica + 1);
            workers.push(Replica::new(name, "toneup-worker", Vec::new(), variables));
        }
        let arguments = [
            "stub".to_owned(),
            format!("--listen={}", local(ANALYZER_PORT)),
            format!("--control={}", local(CONTROL_PORT)),
            format!("--slots={SLOTS}"),
            format!("--service={SERVICE}"),
            "--cv=0.5".to_owned(),
            format!("--calls={}", calls(folder).display()),
        ];
        let name = "chaos/analyzer".to_owned();
        let analyzer = Replica::new(name, "bench", arguments.to_vec(), Vec::new());
        let control = format!("http://{}", local(CONTROL_PORT));
        let http = Client::builder().no_proxy().timeout(CONTROL_TIMEOUT).build()?;
        let site = Self { apis, workers, analyzer, links, control, clock, http };
        site.start(servers).await?;
        Ok(site)
    }

    async fn start(&self, servers: &Servers) -> anyhow::Result<()> {
        self.analyzer.start().await?;
        try_join_all(self.apis.iter().chain(&self.workers).map(Replica::start)).await?;
        for replica in 0..APIS {
            let ready = format!("{}/readyz", self.api(replica));
            let is_ready = async || {
                self.http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success())
            };
            within(START_TIMEOUT, is_ready).await.with_context(|| {
                format!("an api does not serve; its log is {}", log("chaos/api-1").display())
            })?;
        }
        within(START_TIMEOUT, async || servers.consumers().await.is_ok_and(|n| n >= WORKERS))
            .await
            .with_context(|| {
                format!("the workers do not consume; a log: {}", log("chaos/worker-1").display())
            })
    }

    /// Base URL at which clients reach an api.
    pub(crate) fn api(&self, replica: usize) -> String {
        let link = self.links.get(&(Link::ClientApi, replica));
        link.map(|proxy| format!("http://{}", proxy.address)).unwrap_or_default()
    }

    /// Kills a replica (SIGKILL).
    pub(crate) async fn kill(&self, program: Program, replica: usize) {
        self.replica(program, replica).kill().await;
    }

    /// Terminates a replica (SIGTERM), which must end gracefully.
    pub(crate) async fn terminate(&self, program: Program, replica: usize) -> anyhow::Result<()> {
        self.replica(program, replica).terminate(TERMINATE_TIMEOUT).await
    }

    /// Restarts a replica.
    pub(crate) async fn start_again(&self, program: Program, replica: usize) -> anyhow::Result<()> {
        self.replica(program, replica).start().await
    }

    fn replica(&self, program: Program, replica: usize) -> &Replica {
        match program {
            Program::Api => &self.apis[replica % APIS],
            Program::Worker => &self.workers[replica % WORKERS],
            Program::Analyzer => &self.analyzer,
        }
    }

    /// Breaks a link of one replica, or of all.
    pub(crate) fn break_link(&self, link: Link, replica: Option<usize>, how: Breakage) {
        self.proxies(link, replica).for_each(|proxy| proxy.break_it(how));
    }

    pub(crate) fn mend_link(&self, link: Link, replica: Option<usize>) {
        self.proxies(link, replica).for_each(Proxy::mend);
    }

    fn proxies(&self, link: Link, replica: Option<usize>) -> impl Iterator<Item = &Proxy> {
        let chosen = move |index: usize| replica.is_none_or(|replica| replica == index);
        (0..link.replicas())
            .filter(move |index| chosen(*index))
            .filter_map(move |index| self.links.get(&(link, index)))
    }

    /// Sets the behaviour of the analyzer from now on.
    pub(crate) async fn misbehave(&self, health: Health) -> anyhow::Result<()> {
        let request = self.http.post(format!("{}/control", self.control));
        let answer = request.json(&json!({ "health": health })).send().await?;
        answer.error_for_status().map(drop).context("the analyzer cannot be told how to behave")
    }

    /// Moves the clock of one worker.
    pub(crate) fn skew(&self, seconds: i32) -> anyhow::Result<()> {
        // Replaced, not rewritten: a reader never sees half of it.
        let new = self.clock.with_extension("new");
        std::fs::write(&new, format!("{seconds:+}"))?;
        std::fs::rename(new, &self.clock).context("moving the clock")
    }

    /// Restarts processes that have ended by themselves; describes each.
    pub(crate) async fn revive(&self) -> anyhow::Result<Vec<String>> {
        let mut incidents = Vec::new();
        for replica in self.apis.iter().chain(&self.workers).chain([&self.analyzer]) {
            incidents.extend(replica.revive().await?);
        }
        Ok(incidents)
    }

    /// Ends all processes.
    pub(crate) async fn close(self) {
        for replica in self.apis.iter().chain(&self.workers).chain([&self.analyzer]) {
            replica.kill().await;
        }
    }
}

/// Path of the analyzer's log of calls.
pub(crate) fn calls(folder: &Path) -> PathBuf {
    folder.join("calls.jsonl")
}

fn api_port(replica: usize) -> u16 {
    API_PORT + u16::try_from(replica).unwrap_or_default()
}

async fn open_links(
    servers: &Servers,
    local: &impl Fn(u16) -> SocketAddr,
) -> anyhow::Result<HashMap<(Link, usize), Proxy>> {
    let services = &servers.services;
    let all = [
        (Link::ApiDatabase, &services.database_url),
        (Link::ApiBroker, &services.amqp_url),
        (Link::ApiRedis, &services.redis_url),
        (Link::WorkerDatabase, &services.database_url),
        (Link::WorkerBroker, &services.amqp_url),
        (Link::WorkerRedis, &services.redis_url),
        (Link::WorkerStore, &services.s3_endpoint),
    ];
    let mut links = HashMap::new();
    for (link, url) in all {
        let server = url.socket_addrs(|| None)?.into_iter().next();
        let server = server.with_context(|| format!("{link}: no address"))?;
        for replica in 0..link.replicas() {
            links.insert((link, replica), Proxy::open(server).await?);
        }
    }
    for replica in 0..WORKERS {
        let proxy = Proxy::open(local(ANALYZER_PORT)).await?;
        links.insert((Link::WorkerAnalyzer, replica), proxy);
    }
    for replica in 0..APIS {
        let proxy = Proxy::open(local(api_port(replica))).await?;
        links.insert((Link::ClientApi, replica), proxy);
    }
    Ok(links)
}

/// Addresses that processes are configured with: those of their own links.
struct Routes<'a> {
    services: &'a Services,
    links: &'a HashMap<(Link, usize), Proxy>,
}

impl Routes<'_> {
    fn of_api(&self, replica: usize) -> anyhow::Result<Vec<(String, String)>> {
        let Services { database_url, amqp_url, redis_url, .. } = self.services;
        let routes = [
            ("DATABASE_URL", Link::ApiDatabase, database_url),
            ("AMQP_URL", Link::ApiBroker, amqp_url),
            ("REDIS_URL", Link::ApiRedis, redis_url),
        ];
        self.through(replica, &routes)
    }

    fn of_worker(&self, replica: usize) -> anyhow::Result<Vec<(String, String)>> {
        let Services { database_url, amqp_url, redis_url, s3_endpoint, .. } = self.services;
        let analyzer = Url::parse("http://127.0.0.1")?;
        let routes = [
            ("DATABASE_URL", Link::WorkerDatabase, database_url),
            ("AMQP_URL", Link::WorkerBroker, amqp_url),
            ("REDIS_URL", Link::WorkerRedis, redis_url),
            ("S3_ENDPOINT", Link::WorkerStore, s3_endpoint),
            ("ANALYZER_URLS", Link::WorkerAnalyzer, &analyzer),
        ];
        self.through(replica, &routes)
    }

    fn through(
        &self,
        replica: usize,
        routes: &[(&str, Link, &Url)],
    ) -> anyhow::Result<Vec<(String, String)>> {
        let route = |(name, link, server): &(&str, Link, &Url)| {
            let proxy = self.links.get(&(*link, replica)).context("no such link")?;
            Ok(((*name).to_owned(), via(server, proxy.address)?))
        };
        routes.iter().map(route).collect()
    }
}

/// Returns the URL with another host and port.
fn via(url: &Url, address: SocketAddr) -> anyhow::Result<String> {
    let mut url = url.clone();
    url.set_host(Some(&address.ip().to_string()))?;
    url.set_port(Some(address.port())).map_err(|()| anyhow::anyhow!("{url} takes no port"))?;
    Ok(url.to_string().trim_end_matches('/').to_owned())
}

/// Settings of every process. The rules of a job's life are those of production with shorter times, so that eight
/// minutes see many leases end; nothing else differs from the defaults.
fn common_variables(servers: &Servers) -> Vec<(String, String)> {
    let services = &servers.services;
    let pairs = [
        ("DATABASE_URL", services.database_url.to_string()),
        ("AMQP_URL", services.amqp_url.to_string()),
        ("REDIS_URL", services.redis_url.to_string()),
        ("REDIS_PREFIX", "chaos:".to_owned()),
        ("S3_ENDPOINT", services.s3_endpoint.to_string()),
        ("S3_PUBLIC_ENDPOINT", services.s3_endpoint.to_string()),
        ("S3_BUCKET", services.s3_bucket.clone()),
        ("S3_ACCESS_KEY_ID", services.s3_access_key_id.clone()),
        ("S3_SECRET_ACCESS_KEY", services.s3_secret_access_key.clone()),
        ("PHOTO_REUSE", "off".to_owned()),
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
        ("JOB_MAX_ATTEMPTS", MAX_ATTEMPTS.to_string()),
        ("JOB_LEASE", "15s".to_owned()),
        ("JOB_PUBLISH_GRACE", "5s".to_owned()),
        ("ANALYZER_TIMEOUT", "5s".to_owned()),
        ("API_SHUTDOWN_GRACE", format!("{}s", GRACE.as_secs())),
        ("WORKER_SHUTDOWN_GRACE", format!("{}s", GRACE.as_secs())),
        ("RUST_LOG", "info".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Makes a process read its time through libfaketime, moved by the file's content. Its monotonic clock is unchanged, as
/// when a real clock is set.
fn fake_clock(file: &Path) -> Vec<(String, String)> {
    let pairs = [
        ("LD_PRELOAD", "libfaketimeMT.so.1".to_owned()),
        (
            "LD_LIBRARY_PATH",
            "/usr/lib/x86_64-linux-gnu/faketime:/usr/lib/aarch64-linux-gnu/faketime".to_owned(),
        ),
        ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
        ("FAKETIME_CACHE_DURATION", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("NO_FAKE_STAT", "1".to_owned()),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Checks that the clock can be moved; otherwise its fault would have no effect.
async fn check_clock(file: &Path) -> anyhow::Result<()> {
    let probe = file.with_extension("probe");
    std::fs::write(&probe, "+300")?;
    let mut date = tokio::process::Command::new("date");
    let output = date.arg("+%s").envs(fake_clock(&probe)).output().await?;
    std::fs::remove_file(probe)?;
    let told: u64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    ensure!(
        told > now + 200,
        "libfaketime does not move clocks; is the package faketime installed?"
    );
    Ok(())
}
