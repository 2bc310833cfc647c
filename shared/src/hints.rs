//! Hints through Redis: "look again at this analysis". They may be lost at any time; whoever waits also looks by itself.

use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::ConnectionManagerConfig;
use secrecy::ExposeSecret;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::analyses::Changed;
use crate::config::RedisConfig;
use crate::retry::Backoff;

/// Hints that may wait for Redis; more are dropped.
const BACKLOG: usize = 4096;
/// Hints sent in one round trip.
const AT_ONCE: usize = 256;
/// Longest wait for Redis.
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens Redis; no connection is made yet.
pub fn client(config: &RedisConfig) -> Result<redis::Client, redis::RedisError> {
    redis::Client::open(config.redis_url.expose_secret())
}

/// How connections to Redis behave: bounded waits, reconnecting by themselves.
pub fn connection_config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        .set_response_timeout(Some(REDIS_TIMEOUT))
        .set_number_of_retries(1)
}

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
                if let Err(error) = pipeline.query_async::<()>(&mut connection).await {
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

/// Listens to hints until `draining`. `connected` says whether hints can be relied on; it turns true only once the
/// subscription stands, so that a reader who looks then misses nothing.
pub async fn listen(
    config: RedisConfig,
    connected: watch::Sender<bool>,
    draining: CancellationToken,
    mut on_hint: impl FnMut(Changed),
) {
    let mut failures = 0;
    while !draining.is_cancelled() {
        let ended = tokio::select! {
            () = draining.cancelled() => return,
            ended = subscription(&config, &connected, &mut on_hint) => ended,
        };
        failures = if connected.send_replace(false) { 1 } else { failures + 1 };
        match ended {
            Ok(()) => tracing::warn!("lost the subscription to redis"),
            Err(error) => tracing::warn!(%error, "cannot listen to redis"),
        }
        draining.run_until_cancelled(sleep(Backoff::RECONNECT.pause(failures))).await;
    }
}

async fn subscription(
    config: &RedisConfig,
    connected: &watch::Sender<bool>,
    on_hint: &mut impl FnMut(Changed),
) -> Result<(), redis::RedisError> {
    let setup = async {
        let mut subscription = client(config)?.get_async_pubsub().await?;
        subscription.subscribe(channel(config)).await?;
        Ok::<_, redis::RedisError>(subscription)
    };
    let subscription = match tokio::time::timeout(REDIS_TIMEOUT, setup).await {
        Ok(subscription) => subscription?,
        Err(elapsed) => return Err(std::io::Error::from(elapsed).into()),
    };
    connected.send_replace(true);
    let mut messages = subscription.into_on_message();
    while let Some(message) = messages.next().await {
        if let Ok(changed) = serde_json::from_slice(message.get_payload_bytes()) {
            on_hint(changed);
        }
    }
    Ok(())
}
