//! Redis: clients and subscriptions, re-established whenever the connection breaks. Messages sent in between are lost.

use std::time::Duration;

use futures_util::StreamExt;
use metrics::gauge;
use redis::aio::ConnectionManagerConfig;
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::RedisConfig;
use crate::retry::Backoff;

/// Timeout of every operation of Redis.
pub const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

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
    let subscription = match timeout(REDIS_TIMEOUT, setup).await {
        Ok(subscription) => subscription?,
        Err(elapsed) => return Err(std::io::Error::from(elapsed).into()),
    };
    connected.send_replace(true);
    gauge!("toneup_redis_connected").set(1);
    let mut messages = subscription.into_on_message();
    while let Some(message) = messages.next().await {
        on_message(message.get_payload_bytes());
    }
    Ok(())
}
