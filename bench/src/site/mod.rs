//! Site of a measurement: ToneUp's own processes with a database, a virtual host and a Redis prefix of their own, and
//! the analyzers that they call.

pub(crate) mod broker;
pub(crate) mod cores;
pub(crate) mod cpu;
pub(crate) mod database;
pub mod process;
pub(crate) mod replica;
pub mod servers;
pub(crate) mod sockets;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use rustix::process::Pid;
use sqlx::{Connection, Executor};
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use url::Url;

use self::broker::VirtualHost;
use self::process::{Process, free_port};
use self::replica::Replica;

/// The secret of every site.
const JWT_SECRET: &str = "a secret that only this measurement uses";
/// Seed of the key that signs the access tokens of every site (Ed25519), in base64.
pub(crate) const TOKEN_KEY: &str = "YSBrZXkgdGhhdCBvbmx5IHRoaXMgcnVuIHVzZXMgb2s=";
/// Longest time from a process's start until it serves.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Addresses of the servers: those of the development stack unless the environment says otherwise.
#[derive(Debug, Clone, Args)]
pub struct Services {
    /// MySQL account that may create databases
    #[arg(
        long,
        env,
        default_value = "mysql://toneup:toneup@127.0.0.1:28306/toneup",
        hide_env_values = true
    )]
    pub(crate) database_url: Url,
    /// URL of the broker
    #[arg(
        long,
        env,
        default_value = "amqp://toneup:toneup@127.0.0.1:28672/toneup",
        hide_env_values = true
    )]
    pub(crate) amqp_url: Url,
    /// URL of the broker's management API, with a user who may create virtual hosts
    #[arg(
        long,
        env,
        default_value = "http://toneup:toneup@127.0.0.1:28675",
        hide_env_values = true
    )]
    pub(crate) amqp_management_url: Url,
    /// URL of Redis
    #[arg(long, env, default_value = "redis://127.0.0.1:28379/0", hide_env_values = true)]
    pub(crate) redis_url: Url,
    /// URL of the object store
    #[arg(long, env, default_value = "http://127.0.0.1:18333")]
    pub(crate) s3_endpoint: Url,
    /// Bucket in the object store
    #[arg(long, env, default_value = "toneup-photos")]
    pub(crate) s3_bucket: String,
    /// Access key of the object store
    #[arg(long, env, default_value = "toneup-dev", hide_env_values = true)]
    pub(crate) s3_access_key_id: String,
    /// Secret key of the object store
    #[arg(
        long,
        env,
        default_value = "toneup-dev-secret-not-for-production",
        hide_env_values = true
    )]
    pub(crate) s3_secret_access_key: String,
}

/// Configuration of a site.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Name of its log files.
    pub name: String,
    /// Base URLs of the analyzers.
    pub analyzers: Vec<String>,
    /// URL of a Redis to use instead of the services' one.
    pub redis_url: Option<String>,
    /// Additional settings for every process.
    pub settings: Vec<(String, String)>,
}

impl Plan {
    /// Creates a plan with default settings in front of some analyzers.
    pub fn new(name: impl Into<String>, analyzers: Vec<String>) -> Self {
        Self { name: name.into(), analyzers, redis_url: None, settings: Vec::new() }
    }
}

/// A running site.
#[derive(Debug)]
pub struct Site {
    /// Base URL of the API.
    pub api: String,
    plan: Plan,
    corner: Option<Corner>,
    variables: Vec<(String, String)>,
    /// The API and the workers.
    processes: Vec<Process>,
    /// Processes beside the API and its workers.
    others: Vec<Process>,
    workers: usize,
    /// Further APIs, each with its base URL.
    replicas: Vec<(String, Replica)>,
}

/// Resources created for a site, deleted with it.
#[derive(Debug)]
struct Corner {
    /// Name of the database and the virtual host.
    id: String,
    database_url: Url,
    vhost: VirtualHost,
}

impl Corner {
    async fn create(services: &Services) -> anyhow::Result<Self> {
        let id = format!("bench_{}", uuid::Uuid::now_v7().simple());
        let vhost = VirtualHost::create(&services.amqp_management_url, &id).await?;
        let corner = Self { id, database_url: services.database_url.clone(), vhost };
        corner.administer("CREATE", "CHARACTER SET utf8mb4").await?;
        Ok(corner)
    }

    async fn remove(self) -> anyhow::Result<()> {
        self.vhost.delete().await?;
        self.administer("DROP", "").await
    }

    async fn administer(&self, verb: &str, options: &str) -> anyhow::Result<()> {
        let connected = sqlx::MySqlConnection::connect(self.database_url.as_str()).await;
        let mut admin = connected.context("connecting to the database; are the services up?")?;
        // The name is our own: nothing to escape.
        let statement = format!("{verb} DATABASE {} {options}", self.id);
        admin.execute(sqlx::AssertSqlSafe(statement)).await?;
        Ok(())
    }
}

impl Drop for Site {
    /// A site that was not closed, because something failed or the run was interrupted, leaves nothing behind either.
    fn drop(&mut self) {
        // Killed as they are dropped.
        self.processes.clear();
        self.others.clear();
        self.replicas.clear();
        let Some(corner) = self.corner.take() else { return };
        // A runtime of its own: the one around may be ending.
        let removing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(corner.remove()))
        });
        drop(removing.join());
    }
}

/// Root directory of the repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

impl Site {
    /// Creates the database and the virtual host, and starts the API.
    pub async fn open(services: &Services, plan: Plan) -> anyhow::Result<Self> {
        let mut site = Self::bare(services, plan).await?;
        site.start_api().await?;
        Ok(site)
    }

    /// Creates the database, with its tables, and the virtual host; starts nothing.
    pub(crate) async fn bare(services: &Services, plan: Plan) -> anyhow::Result<Self> {
        let corner = Corner::create(services).await?;
        let variables = variables(services, &plan, &corner.id);
        let site = Self {
            api: String::new(),
            plan,
            corner: Some(corner),
            variables,
            processes: Vec::new(),
            others: Vec::new(),
            workers: 0,
            replicas: Vec::new(),
        };
        let name = format!("{}-migrate", site.plan.name);
        let migrated =
            Process::start(&name, "toneup", &["migrate"], &site.variables)?.ended().await?;
        ensure!(
            migrated.success(),
            "`toneup migrate` failed; its log is {}",
            process::log(&name).display()
        );
        Ok(site)
    }

    async fn start_api(&mut self) -> anyhow::Result<()> {
        let (process, url) = self.serve("api", "toneup-api", "API_LISTEN").await?;
        self.api = url;
        self.processes.push(process);
        Ok(())
    }

    /// Starts further replicas of the API; returns their base URLs.
    pub(crate) async fn start_more_apis(&mut self, count: usize) -> anyhow::Result<Vec<String>> {
        let mut urls = Vec::new();
        for number in 0..count {
            let name = format!("api-{}", number + 2);
            let (process, url) = self.serve(&name, "toneup-api", "API_LISTEN").await?;
            self.others.push(process);
            urls.push(url);
        }
        Ok(urls)
    }

    /// Starts a program that serves HTTP at the address in the variable `listen`; returns its base URL once it is ready.
    async fn serve(
        &self,
        name: &str,
        program: &str,
        listen: &str,
    ) -> anyhow::Result<(Process, String)> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let url = format!("http://{address}");
        let mut variables = self.variables.clone();
        variables.push((listen.to_owned(), address));
        let name = format!("{}-{name}", self.plan.name);
        let process = Process::start(&name, program, &[], &variables)?;
        until_ready(&url, &name).await?;
        Ok((process, url))
    }

    /// Starts any command with the settings of the site and `more`; it ends with the site.
    pub(crate) fn start_other(
        &mut self,
        name: &str,
        command: Command,
        more: &[(String, String)],
    ) -> anyhow::Result<()> {
        let variables: Vec<_> = self.variables.iter().chain(more).cloned().collect();
        let name = format!("{}-{name}", self.plan.name);
        self.others.push(Process::spawn(&name, command, &variables)?);
        Ok(())
    }

    /// Runs the command-line tool with the site's settings to its end.
    pub(crate) async fn run_tool(&self, arguments: &[&str]) -> anyhow::Result<ExitStatus> {
        let name = format!("{}-tool", self.plan.name);
        Process::start(&name, "toneup", arguments, &self.variables)?.ended().await
    }

    /// Starts another API.
    pub(crate) async fn add_replica(&mut self) -> anyhow::Result<()> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let mut variables = self.variables.clone();
        variables.push(("API_LISTEN".to_owned(), listen.clone()));
        let name = format!("{}-api-{}", self.plan.name, self.replicas.len() + 2);
        let replica = Replica::new(name, "toneup-api", Vec::new(), variables);
        self.replicas.push((format!("http://{listen}"), replica));
        self.start_replica(self.replicas.len() - 1).await
    }

    /// Starts an added API again, and waits until it serves.
    pub(crate) async fn start_replica(&self, index: usize) -> anyhow::Result<()> {
        let (url, replica) = &self.replicas[index];
        replica.start().await?;
        until_ready(url, &replica.name).await
    }

    /// Kills an added API (SIGKILL).
    pub(crate) async fn kill_replica(&self, index: usize) {
        self.replicas[index].1.kill().await;
    }

    /// Base URLs of all APIs.
    pub(crate) fn apis(&self) -> Vec<String> {
        let added = self.replicas.iter().map(|(url, _)| url.clone());
        std::iter::once(self.api.clone()).chain(added).collect()
    }

    /// URL of the site's database.
    pub(crate) fn database_url(&self) -> anyhow::Result<Url> {
        let corner = self.corner.as_ref().context("the site is closed")?;
        let mut url = corner.database_url.clone();
        url.set_path(&corner.id);
        Ok(url)
    }

    /// Restarts the API, before any workers are started.
    pub(crate) async fn restart_api(&mut self) -> anyhow::Result<()> {
        ensure!(self.workers == 0, "workers run already");
        for process in self.processes.drain(..) {
            process.kill().await;
        }
        self.start_api().await
    }

    /// Process id of the API.
    pub(crate) fn api_process(&self) -> Option<u32> {
        self.processes.first()?.child.id()
    }

    /// Process ids of the API, the running workers and whatever else was started.
    pub(crate) fn processes(&self) -> anyhow::Result<Vec<Pid>> {
        self.processes.iter().chain(&self.others).map(Process::id).collect()
    }

    /// Starts workers with additional `settings`, and does not wait.
    pub(crate) fn spawn_workers(
        &mut self,
        count: usize,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        let mut variables = self.variables.clone();
        variables
            .extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        for _ in 0..count {
            self.workers += 1;
            let name = format!("{}-worker-{}", self.plan.name, self.workers);
            self.processes.push(Process::start(&name, "toneup-worker", &[], &variables)?);
        }
        Ok(())
    }

    /// Waits until every worker consumes every queue.
    pub(crate) async fn all_consume(&self) -> anyhow::Result<()> {
        const QUEUES: usize = 6;
        const PATIENCE: Duration = Duration::from_mins(2);
        let all = self.workers().len() * QUEUES;
        let vhost = &self.corner.as_ref().context("the site is closed")?.vhost;
        within(PATIENCE, async || vhost.consumers().await.is_ok_and(|found| found >= all))
            .await
            .context("the workers do not consume; their logs are in .local/bench")
    }

    /// Takes the last `count` workers out of the site, to end them.
    pub(crate) fn take_workers(&mut self, count: usize) -> Vec<Process> {
        let kept = self.processes.len().saturating_sub(count).max(1);
        self.processes.split_off(kept)
    }

    /// Starts workers with additional `settings`, and waits until they consume.
    pub async fn start_workers(
        &mut self,
        count: usize,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        self.spawn_workers(count, settings)?;
        let all = self.workers;
        let vhost = &self.corner.as_ref().context("the site is closed")?.vhost;
        within(START_TIMEOUT, async || vhost.consumers().await.is_ok_and(|found| found >= all))
            .await
            .context("the workers do not consume; their logs are in .local/bench")
    }

    /// Running workers of the site.
    pub(crate) fn workers(&self) -> &[Process] {
        self.processes.get(1..).unwrap_or_default()
    }

    /// Number of analyses that have succeeded so far.
    pub async fn succeeded(&self) -> anyhow::Result<i64> {
        let count = "SELECT COUNT(*) FROM jobs WHERE kind = 'analysis' AND status = 'succeeded'";
        Ok(sqlx::query_scalar(count).fetch_one(&mut self.connect().await?).await?)
    }

    /// Number of statements that the database server has received so far, from all clients.
    pub(crate) async fn statements(&self) -> anyhow::Result<u64> {
        let asked = "SHOW GLOBAL STATUS LIKE 'Questions'";
        let (_, count): (String, String) =
            sqlx::query_as(asked).fetch_one(&mut self.connect().await?).await?;
        Ok(count.parse()?)
    }

    /// Opens a connection to the site's database.
    pub(crate) async fn connect(&self) -> anyhow::Result<sqlx::MySqlConnection> {
        Ok(sqlx::MySqlConnection::connect(self.database_url()?.as_str()).await?)
    }

    /// Starts another API beside the site's own, at `address`.
    pub(crate) async fn start_another_api(&self, address: SocketAddr) -> anyhow::Result<Process> {
        let mut variables = self.variables.clone();
        variables.push(("API_LISTEN".to_owned(), address.to_string()));
        let name = format!("{}-api-{}", self.plan.name, address.port());
        let process = Process::start(&name, "toneup-api", &[], &variables)?;
        until_ready(&format!("http://{address}"), &name).await?;
        Ok(process)
    }

    /// Ends the processes and deletes the resources.
    pub async fn close(mut self) -> anyhow::Result<()> {
        for process in self.processes.drain(..).chain(self.others.drain(..)) {
            process.kill().await;
        }
        for (_, replica) in &self.replicas {
            replica.kill().await;
        }
        match self.corner.take() {
            Some(corner) => corner.remove().await,
            None => Ok(()),
        }
    }
}

/// Waits until `GET /readyz` succeeds; `name` is that of the log.
pub(crate) async fn until_ready(url: &str, name: &str) -> anyhow::Result<()> {
    let http = crate::load::target::http()?;
    let ready = format!("{url}/readyz");
    let answers =
        async || http.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success());
    within(START_TIMEOUT, answers).await.with_context(|| {
        format!("{name} does not serve; its log is {}", process::log(name).display())
    })
}

/// Settings of every process of a site.
fn variables(services: &Services, plan: &Plan, id: &str) -> Vec<(String, String)> {
    let with_path = |url: &Url| {
        let mut url = url.clone();
        url.set_path(id);
        url.to_string()
    };
    let redis_url = plan.redis_url.clone().unwrap_or_else(|| services.redis_url.to_string());
    let pairs = [
        ("DATABASE_URL", with_path(&services.database_url)),
        ("AMQP_URL", with_path(&services.amqp_url)),
        ("REDIS_URL", redis_url),
        ("REDIS_PREFIX", format!("{id}:")),
        ("S3_ENDPOINT", services.s3_endpoint.to_string()),
        ("S3_BUCKET", services.s3_bucket.clone()),
        ("S3_ACCESS_KEY_ID", services.s3_access_key_id.clone()),
        ("S3_SECRET_ACCESS_KEY", services.s3_secret_access_key.clone()),
        ("ANALYZER_URLS", plan.analyzers.join(",")),
        // The same photo again and again is to be analysed again and again.
        ("PHOTO_REUSE", "off".to_owned()),
        ("JWT_SECRET", JWT_SECRET.to_owned()),
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
        ("RUST_LOG", "warn".to_owned()),
    ];
    let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
    pairs.chain(plan.settings.iter().cloned()).collect()
}

/// Polls until a condition holds.
pub(crate) async fn within(
    patience: Duration,
    mut is_so: impl AsyncFnMut() -> bool,
) -> anyhow::Result<()> {
    let give_up = Instant::now() + patience;
    while !is_so().await {
        ensure!(Instant::now() < give_up, "waited {patience:?} in vain");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
