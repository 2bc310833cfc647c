//! Services and processes of one test.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sqlx::MySqlPool;
use tokio::net::TcpListener;
use toneup_api::app::{ApiConfig, AppState, serve, serve_sockets};
use toneup_platform::config::{RedisConfig, Settings};
use toneup_platform::objects::Objects;
use toneup_platform::shutdown::Shutdown;
use toneup_worker::config::WorkerConfig;
use url::Url;
use uuid::Uuid;

use crate::client::Client;

/// Key that signs the tests' access tokens, and encrypts their webhooks' secrets.
const TOKEN_KEY: &str = "YSBrZXkgdGhhdCBvbmx5IHRoZSB0ZXN0cyBrbm93ISE=";
/// Grace period of a test's processes.
const GRACE: Duration = Duration::from_secs(5);

/// A database, a virtual host and a Redis prefix that no other test uses.
#[derive(Debug)]
pub struct Stack {
    /// Connection pool of the test's database.
    pub pool: MySqlPool,
    vars: HashMap<String, String>,
    vhost: Arc<VirtualHost>,
}

/// An api or a worker that runs inside the test; stops when the last handle and the last client are dropped.
#[derive(Debug, Clone)]
pub struct Running {
    /// Base URL of the api; empty for a worker.
    pub url: String,
    process: Arc<Process>,
}

#[derive(Debug)]
struct Process {
    shutdown: Shutdown,
    _vhost: Arc<VirtualHost>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.shutdown.aborting.cancel();
    }
}

impl Running {
    /// Drains the process, as SIGTERM would; `true` if it finished its work in time.
    pub async fn stop(&self) -> bool {
        self.process.shutdown.drain(GRACE).await
    }

    /// A client of this api, signed in as a new guest.
    pub async fn guest(&self) -> Client {
        Client::guest(self.clone()).await
    }

    /// A client of this api that has not signed in.
    pub fn anonymous(&self) -> Client {
        Client::anonymous(self.clone())
    }
}

impl Stack {
    /// Takes the database that `#[sqlx::test]` created, and creates the rest.
    pub async fn new(pool: MySqlPool) -> Self {
        toneup_platform::tls::install();
        let vhost = Arc::new(VirtualHost::create().await);
        let mut vars: HashMap<String, String> = environment(&[
            "DATABASE_URL",
            "AMQP_URL",
            "REDIS_URL",
            "S3_ENDPOINT",
            "S3_ACCESS_KEY_ID",
            "S3_SECRET_ACCESS_KEY",
        ]);
        let database = pool.connect_options().get_database().expect("a database").to_owned();
        let with_path = |url: &str, path: &str| {
            let mut url: Url = url.parse().expect("a URL");
            url.set_path(path);
            url.to_string()
        };
        vars.insert("DATABASE_URL".into(), with_path(&vars["DATABASE_URL"], &database));
        vars.insert("AMQP_URL".into(), with_path(&vars["AMQP_URL"], &vhost.name));
        vars.insert("REDIS_PREFIX".into(), format!("{}:", vhost.name));
        vars.insert("JWT_SECRET".into(), "a secret that only the tests know of".into());
        vars.insert("OPERATOR_SECRET".into(), "another that the tests alone know of".into());
        vars.insert("TOKEN_KEYS".into(), TOKEN_KEY.into());
        vars.insert("DATA_KEYS".into(), TOKEN_KEY.into());
        vars.insert("GUEST_SESSIONS_PER_MINUTE".into(), "1000".into());
        vars.insert("DATABASE_MAX_CONNECTIONS".into(), "6".into());
        // The test machine may be busy with other tests.
        vars.insert("DATABASE_ACQUIRE_TIMEOUT".into(), "5s".into());
        vars.insert("ANALYZER_URLS".into(), "http://127.0.0.1:1".into());
        Self { pool, vars, vhost }
    }

    /// Changes a setting for processes started later.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.vars.insert(name.to_owned(), value.into());
        self
    }

    /// Environment variables for a process of this test.
    pub fn environment(&self) -> &HashMap<String, String> {
        &self.vars
    }

    fn settings(&self) -> Settings {
        Settings::from_vars(self.vars.clone())
    }

    /// Names a bucket of the test's own; `objects().prepare_bucket` creates it.
    #[must_use]
    pub fn with_bucket(self, name: &str) -> Self {
        self.with("S3_BUCKET", format!("{name}-{}", Uuid::now_v7().simple()))
    }

    /// Starts an api on a free port.
    pub async fn api(&self) -> Running {
        self.api_on(TcpListener::bind("127.0.0.1:0").await.expect("a free port"))
    }

    /// Starts an api that serves Socket.IO on a second free port; returns that address, too.
    pub async fn api_with_sockets(&self) -> (Running, String) {
        let (listener, alias) = (
            TcpListener::bind("127.0.0.1:0").await.expect("a free port"),
            TcpListener::bind("127.0.0.1:0").await.expect("a free port"),
        );
        let url = format!("http://{}", alias.local_addr().expect("its address"));
        (self.start_api(listener, Some(alias)), url)
    }

    /// Starts an api whose address was known before, to its settings.
    pub fn api_on(&self, listener: TcpListener) -> Running {
        self.start_api(listener, None)
    }

    fn start_api(&self, listener: TcpListener, alias: Option<TcpListener>) -> Running {
        let config = ApiConfig::load(&self.settings()).expect("the api's settings");
        let shutdown = Shutdown::default();
        let state = AppState::start(config, &shutdown).expect("the api's state");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let draining = shutdown.draining.clone();
        if let Some(alias) = alias {
            let (state, draining) = (state.clone(), draining.clone());
            shutdown.tasks.spawn(async move {
                serve_sockets(alias, state, draining).await.expect("the api serves");
            });
        }
        shutdown.tasks.spawn(async move {
            serve(listener, state, draining).await.expect("the api serves");
        });
        self.running(url, shutdown)
    }

    /// Starts a worker inside the test.
    pub fn worker(&self) -> Running {
        let config = WorkerConfig::load(&self.settings()).expect("the worker's settings");
        let shutdown = Shutdown::default();
        toneup_worker::start(config, &shutdown).expect("the worker");
        self.running(String::new(), shutdown)
    }

    fn running(&self, url: String, shutdown: Shutdown) -> Running {
        // As `Shutdown::run` does, without any notice.
        let Shutdown { leaving, draining, .. } = shutdown.clone();
        shutdown.tasks.spawn(async move {
            leaving.cancelled().await;
            draining.cancel();
        });
        let process = Process { shutdown, _vhost: Arc::clone(&self.vhost) };
        Running { url, process: Arc::new(process) }
    }

    /// Client of the object store.
    pub fn objects(&self) -> Objects {
        let config = self.settings().section().expect("the object store's settings");
        Objects::new(&config).expect("a client of the object store")
    }

    /// URL of the test's virtual host.
    pub fn amqp_url(&self) -> &str {
        &self.vars["AMQP_URL"]
    }

    /// Number of messages in a queue, ready and unacknowledged; `None` while it does not exist.
    pub async fn messages_in(&self, queue: &str) -> Option<u64> {
        let path = format!("queues/{}/{queue}", self.vhost.name);
        let queue = management(reqwest::Method::GET, &path, None).await?;
        queue["messages"].as_u64()
    }
}

/// Settings of Redis, with a prefix that no other test uses.
pub fn redis() -> RedisConfig {
    let mut vars = environment(&["REDIS_URL"]);
    vars.insert("REDIS_PREFIX".into(), format!("test-{}:", Uuid::now_v7()));
    Settings::from_vars(vars).section().expect("redis")
}

/// A virtual host with the topology and policies of `rabbitmq/definitions.json`; deleted when dropped.
#[derive(Debug)]
struct VirtualHost {
    name: String,
}

impl VirtualHost {
    async fn create() -> Self {
        let name = format!("test-{}", Uuid::now_v7());
        let created = management(reqwest::Method::PUT, &format!("vhosts/{name}"), None).await;
        created.expect("a virtual host; is AMQP_MANAGEMENT_URL right?");
        let file = crate::support::repository().join("rabbitmq/definitions.json");
        let text = std::fs::read_to_string(file).expect("the definitions");
        let all: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let mut definitions = serde_json::Map::new();
        for kind in ["exchanges", "queues", "bindings", "policies"] {
            let mut items = all[kind].clone();
            for item in items.as_array_mut().expect("a list") {
                item.as_object_mut().expect("an object").remove("vhost");
            }
            definitions.insert(kind.to_owned(), items);
        }
        let path = format!("definitions/{name}");
        management(reqwest::Method::POST, &path, Some(definitions.into())).await.expect("loaded");
        Self { name }
    }
}

impl Drop for VirtualHost {
    fn drop(&mut self) {
        let path = format!("vhosts/{}", self.name);
        // A runtime of its own: the test's may be ending.
        let deleting = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(management(reqwest::Method::DELETE, &path, None))
        });
        drop(deleting.join());
    }
}

/// Calls the broker's management API. `None` if the resource does not exist.
async fn management(
    method: reqwest::Method,
    path: &str,
    body: Option<serde_json::Value>,
) -> Option<serde_json::Value> {
    let base = &environment(&["AMQP_MANAGEMENT_URL"])["AMQP_MANAGEMENT_URL"];
    let client = crate::support::http();
    let request = client.request(method, format!("{base}/api/{path}"));
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await.expect("the management API answers");
    let text = response.error_for_status().ok()?.text().await.unwrap();
    Some(serde_json::from_str(&text).unwrap_or_default())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where tests learn where the services are"
)]
fn environment(names: &[&str]) -> HashMap<String, String> {
    let value = |name: &str| {
        std::env::var(name).unwrap_or_else(|_| panic!("{name} must be set; `make test` does that"))
    };
    names.iter().map(|name| ((*name).to_owned(), value(name))).collect()
}

/// Waits for a future, with a timeout.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(crate::support::SOON, future).await;
    waited.unwrap_or_else(|elapsed| panic!("waited in vain for {what}: {elapsed}"))
}
