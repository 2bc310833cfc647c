//! Servers of a run: instances of its own, started by `scripts/services.sh`, so that they can be killed.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use super::schedule::Server;
use crate::site::broker::Management;
use crate::site::{Services, repository};

/// Queue of the jobs.
pub(crate) const JOBS: &str = "toneup.analysis.jobs";
/// Queue of the dead letters.
pub(crate) const DEAD: &str = "toneup.dead";
const EXCHANGE: &str = "toneup";
/// Routing key of [`JOBS`].
const JOBS_KEY: &str = "analysis";
/// Queue that receives a copy of every message and dead-letters it to the jobs queue a moment later.
const COPIES: &str = "chaos.copies";
/// Delay of the copies, long enough that most first deliveries are being processed when the second arrives.
const COPY_DELAY_MS: u64 = 150;
/// Body of an unreadable message.
pub(crate) const POISON: &str = "not a message of ours";
/// Timeout of one command of `scripts/services.sh`; RabbitMQ starts slowly.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(150);
/// Timeout of a call of the management API, which responds slowly while it starts.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);

/// Access to the servers of a run.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) services: Services,
    management: Management,
}

impl Servers {
    pub(crate) fn new(services: &Services) -> anyhow::Result<Self> {
        let management = Management::new(&services.amqp_management_url)?;
        Ok(Self { services: services.clone(), management })
    }

    /// Kills a server (SIGKILL).
    pub(crate) async fn crash(&self, server: Server) -> anyhow::Result<()> {
        script(&["crash", server.name()]).await.map(drop)
    }

    /// Starts a server and waits until it serves.
    pub(crate) async fn start(&self, server: Server) -> anyhow::Result<()> {
        script(&["start", server.name()]).await.map(drop)
    }

    pub(crate) async fn purge_queue(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, &format!("queues/toneup/{JOBS}/contents"), None).await.map(drop)
    }

    pub(crate) async fn delete_queue(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, &format!("queues/toneup/{JOBS}"), None).await.map(drop)
    }

    /// Sets or clears the broker's memory alarm, by moving its limit.
    pub(crate) async fn memory_alarm(&self, on: bool) -> anyhow::Result<()> {
        let watermark = if on { "0.000001" } else { "0.4" };
        script(&["rabbitmqctl", "-q", "set_vm_memory_high_watermark", watermark]).await.map(drop)
    }

    /// Makes the broker duplicate every message: a second queue on the same key, whose messages expire at once into the
    /// jobs queue.
    pub(crate) async fn begin_duplicates(&self) -> anyhow::Result<()> {
        let queue = json!({ "durable": true, "arguments": {
            "x-message-ttl": COPY_DELAY_MS,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": JOBS,
        } });
        self.ask(Method::PUT, &format!("queues/toneup/{COPIES}"), Some(queue)).await?;
        let path = format!("bindings/toneup/e/{EXCHANGE}/q/{COPIES}");
        self.ask(Method::POST, &path, Some(json!({ "routing_key": JOBS_KEY }))).await.map(drop)
    }

    pub(crate) async fn end_duplicates(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, &format!("queues/toneup/{COPIES}"), None).await.map(drop)
    }

    /// Publishes a message that no worker can parse, directly to the queue.
    pub(crate) async fn poison(&self) -> anyhow::Result<()> {
        let message = json!({
            "properties": { "delivery_mode": 2 },
            "routing_key": JOBS,
            "payload": POISON,
            "payload_encoding": "string",
        });
        let path = "exchanges/toneup/amq.default/publish";
        let answer = self.ask(Method::POST, path, Some(message)).await?;
        ensure!(answer["routed"] == true, "there was no queue for the poison");
        Ok(())
    }

    /// Number of consumers, from the broker's own state, not from its statistics, which lag.
    pub(crate) async fn consumers(&self) -> anyhow::Result<usize> {
        let consumers = self.ask(Method::GET, "consumers/toneup", None).await?;
        Ok(consumers.as_array().map_or(0, Vec::len))
    }

    /// Number of messages of every queue, ready and unacknowledged, as counted by the broker now.
    pub(crate) async fn messages(&self) -> anyhow::Result<Vec<(String, u64)>> {
        let arguments = ["rabbitmqctl", "-q", "list_queues", "-p", "toneup", "--formatter", "json"];
        let listed = script(&[&arguments[..], &["name", "messages"]].concat()).await?;
        let listed: Value = serde_json::from_slice(&listed).context("reading list_queues")?;
        let queues = listed.as_array().context("list_queues is no list")?;
        let queue =
            |queue: &Value| Some((queue["name"].as_str()?.to_owned(), queue["messages"].as_u64()?));
        Ok(queues.iter().filter_map(queue).collect())
    }

    /// A table of the queues that tells whose the messages in them are: nobody's yet, or a consumer's.
    pub(crate) async fn standing(&self) -> anyhow::Result<String> {
        let arguments = ["rabbitmqctl", "-q", "list_queues", "-p", "toneup"];
        let columns = ["name", "messages_ready", "messages_unacknowledged", "consumers"];
        let listed = script(&[&arguments[..], &columns].concat()).await?;
        Ok(String::from_utf8_lossy(&listed).into_owned())
    }

    /// Bodies of the dead letters, which stay in the queue.
    pub(crate) async fn dead_letters(&self) -> anyhow::Result<Vec<String>> {
        let wanted = json!({ "count": 10_000, "ackmode": "ack_requeue_true", "encoding": "auto" });
        let letters =
            self.ask(Method::POST, &format!("queues/toneup/{DEAD}/get"), Some(wanted)).await?;
        let letters = letters.as_array().context("the dead letters are no list")?;
        let text = |letter: &Value| letter["payload"].as_str().unwrap_or_default().to_owned();
        Ok(letters.iter().map(text).collect())
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let answer = timeout(ASK_TIMEOUT, self.management.ask(method, path, body)).await;
        answer.with_context(|| format!("no answer: {path}"))?
    }
}

/// Runs `scripts/services.sh` with the environment of this process; returns its output.
async fn script(arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new(repository().join("scripts/services.sh"));
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let ended = timeout(COMMAND_TIMEOUT, command.output()).await;
    let output = ended.with_context(|| format!("services.sh {arguments:?} takes too long"))??;
    ensure!(
        output.status.success(),
        "services.sh {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}
