//! Redis: clients and subscriptions, re-established whenever the connection breaks. Messages sent in between are lost.

use std::time::Duration;

use futures_util::StreamExt;
use metrics::gauge;
use redis::aio::ConnectionManagerConfig;
use secrecy::ExposeSecret;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::RedisConfig;
use crate::retry::Backoff;

/// Timeout of every operation of Redis.
pub const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// Interval of the pings of a subscription: a lost peer sends nothing, and nothing else is sent to it.
const PING: Duration = Duration::from_secs(12);

/// Most messages waiting for Redis; further ones are dropped.
const BACKLOG: usize = 4096;
/// Most messages sent in one round trip.
const AT_ONCE: usize = 256;

/// Creates a client without connecting. Fails if the URL is invalid.
pub fn client(config: &RedisConfig) -> Result<redis::Client, redis::RedisError> {
    config.trust.redis(config.redis_url.expose_secret())
}

/// Connection options: timeouts, and automatic reconnection.
pub fn connection_config() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(REDIS_TIMEOUT))
        .set_response_timeout(Some(REDIS_TIMEOUT))
        .set_number_of_retries(1)
}

/// Passes every message on `channels` to `on_message` until `draining`. `connected` is true while the subscription is
/// active, so that a reader that polls when it turns true misses nothing.
pub async fn listen(
    config: RedisConfig,
    channels: Vec<String>,
    connected: watch::Sender<bool>,
    draining: CancellationToken,
    mut on_message: impl FnMut(&[u8]),
) {
    let mut failures = 0;
    while !draining.is_cancelled() {
        let ended = tokio::select! {
            () = draining.cancelled() => return,
            ended = subscription(&config, &channels, &connected, &mut on_message) => ended,
        };
        gauge!("toneup_redis_connected").set(0);
        failures = if connected.send_replace(false) { 1 } else { failures + 1 };
        match ended {
            Ok(()) => tracing::warn!("lost the subscription to Redis"),
            Err(error) => tracing::warn!(%error, "cannot subscribe to Redis"),
        }
        draining.run_until_cancelled(sleep(Backoff::RECONNECT.pause(failures))).await;
    }
}

async fn subscription(
    config: &RedisConfig,
    channels: &[String],
    connected: &watch::Sender<bool>,
    on_message: &mut impl FnMut(&[u8]),
) -> Result<(), redis::RedisError> {
    let setup = async {
        let mut subscription = client(config)?.get_async_pubsub().await?;
        subscription.subscribe(channels).await?;
        Ok::<_, redis::RedisError>(subscription)
    };
    let subscription = bounded(setup).await?;
    connected.send_replace(true);
    gauge!("toneup_redis_connected").set(1);
    let (mut sink, mut messages) = subscription.split();
    let mut ping_at = Instant::now() + PING;
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => on_message(message.get_payload_bytes()),
                None => return Ok(()),
            },
            () = sleep_until(ping_at) => {
                bounded(sink.ping::<redis::Value>()).await?;
                ping_at = Instant::now() + PING;
            }
        }
    }
}

/// Waits for one response of Redis, with a timeout.
pub async fn bounded<T>(
    call: impl Future<Output = Result<T, redis::RedisError>>,
) -> Result<T, redis::RedisError> {
    match timeout(REDIS_TIMEOUT, call).await {
        Ok(answer) => answer,
        Err(elapsed) => Err(std::io::Error::from(elapsed).into()),
    }
}

/// Publishes messages as JSON; never waits. Cheap to clone.
#[derive(Debug)]
pub struct Publisher<T>(mpsc::Sender<T>);

impl<T> Clone for Publisher<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Serialize + Send + Sync + 'static> Publisher<T> {
    /// Starts the sending task, which ends when the last handle is dropped.
    pub fn spawn(
        config: &RedisConfig,
        channel: String,
        tasks: &TaskTracker,
    ) -> Result<Self, redis::RedisError> {
        let mut connection = client(config)?.get_connection_manager_lazy(connection_config())?;
        let (queue, mut waiting) = mpsc::channel(BACKLOG);
        tasks.spawn(async move {
            let mut batch: Vec<T> = Vec::new();
            while waiting.recv_many(&mut batch, AT_ONCE).await > 0 {
                let mut pipeline = redis::pipe();
                for message in batch.drain(..) {
                    let message = serde_json::to_string(&message).unwrap_or_default();
                    pipeline.publish(&channel, message).ignore();
                }
                let mut sent = pipeline.query_async::<()>(&mut connection).await;
                if sent.is_err() {
                    // After an outage of Redis the old connection fails once, hence one retry; receivers bear a message
                    // that comes twice.
                    sent = pipeline.query_async(&mut connection).await;
                }
                if let Err(error) = sent {
                    tracing::debug!(%error, "messages to Redis are lost");
                    // Those that wait would each cost a timeout, also of a process that drains.
                    while waiting.try_recv().is_ok() {}
                }
            }
        });
        Ok(Self(queue))
    }

    /// Queues messages without waiting; drops them if Redis cannot keep up.
    pub fn send(&self, messages: impl IntoIterator<Item = T>) {
        for message in messages {
            if self.0.try_send(message).is_err() {
                return;
            }
        }
    }
}
