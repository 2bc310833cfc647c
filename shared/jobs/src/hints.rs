//! Hints through Redis: "look again at this job". They may be lost at any time; whoever waits also looks by the clock.

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{self as pubsub, client, connection_config};

use crate::job::Changed;

/// Hints that may wait for Redis; more are dropped.
const BACKLOG: usize = 4096;
/// Hints sent in one round trip.
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
    /// Starts the sending task; it ends when the last handle is gone.
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
                    // What Redis left behind when it went is a connection that fails once; a hint twice hurts nobody.
                    sent = pipeline.query_async(&mut connection).await;
                }
                if let Err(error) = sent {
                    tracing::debug!(%error, "hints lost");
                }
            }
        });
        Ok(Self { queue })
    }

    /// Tells watchers of `changes`, if Redis keeps up.
    pub fn send(&self, changes: impl IntoIterator<Item = Changed>) {
        for changed in changes {
            if self.queue.try_send(changed).is_err() {
                return;
            }
        }
    }
}

/// Listens to hints until `draining`; see [`pubsub::listen`] for `connected`.
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
