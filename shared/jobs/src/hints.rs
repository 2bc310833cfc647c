//! Hints through Redis that a job has changed. They may be lost at any time, so every receiver also polls.

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{self as pubsub, Publisher};

use crate::job::Changed;

fn channel(config: &RedisConfig) -> String {
    format!("{}changed", config.redis_prefix)
}

/// Sends hints. Cheap to clone; never waits.
#[derive(Debug, Clone)]
pub struct Hints(Publisher<Changed>);

impl Hints {
    /// Starts the sending task, which ends when the last handle is dropped.
    pub fn spawn(config: &RedisConfig, tasks: &TaskTracker) -> Result<Self, redis::RedisError> {
        Publisher::spawn(config, channel(config), tasks).map(Self)
    }

    /// Queues hints about `changes` without waiting; drops them if Redis cannot keep up.
    pub fn send(&self, changes: impl IntoIterator<Item = Changed>) {
        self.0.send(changes);
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
