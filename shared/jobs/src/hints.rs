//! Hints through Redis that a job has changed. They may be lost at any time, so every receiver also polls.

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{self as pubsub, client, connection_config};

use crate::job::Changed;

/// Most hints waiting for Redis; further ones are dropped.
const BACKLOG: usize = 4096;
/// Most hints sent in one round trip.
const AT_ONCE: usize = 256;

fn channel(config: &RedisConfig) -> String {
    format!("{}changed", config.redis_prefix)
}

/// Sends hints. Cheap to clone; never waits.
#[derive(Debug, Clone)]
pub struct Hints {
    queue: mpsc::Sender<Changed>,
}

impl Hints {
    /// Starts the sending task, which ends when the last handle is dropped.
    pub fn spawn(config: &RedisConfig, tasks: &TaskTracker) -> Result<Self, redis::RedisError> {
        let mut connection = client(config)?.get_connection_manager_lazy(connection_config())?;
        let (queue, mut waiting) = mpsc::channel(BACKLOG);
        let channel = channel(config);
        tasks.spawn(async move {
            let mut batch: Vec<Changed> = Vec::new();
            while waiting.recv_many(&mut batch, AT_ONCE).await > 0 {
                let mut pipeline = redis::pipe();
                for changed in batch.drain(..) {
                    let hint = serde_json::to_string(&changed).unwrap_or_default();
                    pipeline.publish(&channel, hint).ignore();
                }
                let mut sent = pipeline.query_async::<()>(&mut connection).await;
                if sent.is_err() {
                    // After an outage of Redis the old connection fails once, hence one retry; duplicate hints do no
                    // harm.
                    sent = pipeline.query_async(&mut connection).await;
                }
                if let Err(error) = sent {
                    tracing::debug!(%error, "hints lost");
                }
            }
        });
        Ok(Self { queue })
    }

    /// Queues hints about `changes` without waiting; drops them if Redis cannot keep up.
    pub fn send(&self, changes: impl IntoIterator<Item = Changed>) {
        for changed in changes {
            if self.queue.try_send(changed).is_err() {
                return;
            }
        }
    }
}

/// Receives hints until `draining`; see [`pubsub::listen`] for `connected`.
pub async fn listen(
    config: RedisConfig,
    connected: watch::Sender<bool>,
    draining: CancellationToken,
    mut on_hint: impl FnMut(Changed),
) {
    let channels = vec![channel(&config)];
    pubsub::listen(config, channels, connected, draining, move |payload| {
        if let Ok(changed) = serde_json::from_slice(payload) {
            on_hint(changed);
        }
    })
    .await;
}
