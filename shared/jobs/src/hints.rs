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

/// Channel of the changes that end a job from outside: all that workers need to hear.
fn cancelled_channel(config: &RedisConfig) -> String {
    format!("{}cancelled", config.redis_prefix)
}

/// Sends hints. Cheap to clone; never waits.
#[derive(Debug, Clone)]
pub struct Hints {
    changed: Publisher<Changed>,
    cancelled: Publisher<Changed>,
}

impl Hints {
    /// Starts the sending task, which ends when the last handle is dropped.
    pub fn spawn(config: &RedisConfig, tasks: &TaskTracker) -> Result<Self, redis::RedisError> {
        Ok(Self {
            changed: Publisher::spawn(config, channel(config), tasks)?,
            cancelled: Publisher::spawn(config, cancelled_channel(config), tasks)?,
        })
    }

    /// Queues hints about `changes` without waiting; drops them if Redis cannot keep up.
    pub fn send(&self, changes: impl IntoIterator<Item = Changed>) {
        self.changed.send(changes);
    }

    /// Queues hints for the workers that run these jobs: they were cancelled.
    pub fn send_cancelled(&self, changes: impl IntoIterator<Item = Changed>) {
        self.cancelled.send(changes);
    }
}

/// Receives hints until `draining`; see [`pubsub::listen`] for `connected`.
pub async fn listen(
    config: RedisConfig,
    connected: watch::Sender<bool>,
    draining: CancellationToken,
    on_hint: impl FnMut(Changed),
) {
    let channels = vec![channel(&config)];
    listen_to(config, channels, connected, draining, on_hint).await;
}

/// Receives hints about cancelled jobs alone until `draining`.
pub async fn listen_for_cancelled(
    config: RedisConfig,
    draining: CancellationToken,
    on_hint: impl FnMut(Changed),
) {
    let channels = vec![cancelled_channel(&config)];
    // The state of the subscription makes no difference, since leases are polled anyway.
    listen_to(config, channels, watch::Sender::default(), draining, on_hint).await;
}

async fn listen_to(
    config: RedisConfig,
    channels: Vec<String>,
    connected: watch::Sender<bool>,
    draining: CancellationToken,
    mut on_hint: impl FnMut(Changed),
) {
    pubsub::listen(config, channels, connected, draining, move |payload| {
        if let Ok(changed) = serde_json::from_slice(payload) {
            on_hint(changed);
        }
    })
    .await;
}
