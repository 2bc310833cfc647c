//! Connection to the broker, re-established whenever it breaks.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lapin::runtime::default_runtime;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use metrics::gauge;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::config::BrokerConfig;
use crate::retry::Backoff;

/// Timeout of every operation of the broker, publishing and confirming included.
pub const BROKER_TIMEOUT: Duration = Duration::from_secs(10);

/// Interval of the heartbeats, in seconds, unless `AMQP_URL` sets one: a peer that has been silent for two of them is
/// lost. The server's own proposal, a minute, notices it after two.
const HEARTBEAT: u16 = 5;

/// Duration after which a session counts as healthy, so that its failure resets the backoff.
const HEALTHY: Duration = Duration::from_secs(30);

/// Reason why a session with the broker ended.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The broker or the connection to it failed.
    #[error(transparent)]
    Broker(#[from] lapin::Error),
    /// The broker did not respond in time.
    #[error("the broker did not respond within {BROKER_TIMEOUT:?}")]
    TimedOut,
    /// The broker cancelled our consumer, as it does when the queue is deleted.
    #[error("the broker cancelled the consumer")]
    ConsumerEnded,
}

/// Waits for one response of the broker, with a timeout.
pub async fn answered<T>(
    call: impl Future<Output = Result<T, lapin::Error>>,
) -> Result<T, SessionError> {
    timeout(BROKER_TIMEOUT, call).await.map_err(|_| SessionError::TimedOut)?.map_err(Into::into)
}

/// Runs `session` on a new connection again and again, with backoff and jitter, until `draining`. A session that
/// returns `Ok` has drained.
pub async fn supervise<F>(
    name: &'static str,
    broker: &BrokerConfig,
    draining: &CancellationToken,
    mut session: impl FnMut(Arc<Connection>) -> F,
) where
    F: Future<Output = Result<(), SessionError>>,
{
    let mut failures = 0;
    let connection = name.trim_start_matches("toneup ");
    let connected = |stands: bool| {
        gauge!("toneup_broker_connected", "connection" => connection).set(u8::from(stands));
    };
    connected(false);
    while !draining.is_cancelled() {
        let begun = Instant::now();
        let ended = match connect(name, broker).await {
            Ok(connection) => {
                let connection = Arc::new(connection);
                connected(true);
                let ended = session(Arc::clone(&connection)).await;
                connected(false);
                // Best effort: the broker detects a lost connection by itself.
                drop(answered(connection.close(200, "session ended".into())).await);
                ended
            }
            Err(error) => Err(error),
        };
        let Err(error) = ended else { continue };
        failures = if begun.elapsed() > HEALTHY { 1 } else { failures + 1 };
        let pause = Backoff::RECONNECT.pause(failures);
        tracing::warn!(name, %error, failures, ?pause, "broker session ended");
        draining.run_until_cancelled(tokio::time::sleep(pause)).await;
    }
}

/// Connects to the broker, with a timeout; the broker's management shows the connection under `name`.
pub async fn connect(
    name: &'static str,
    broker: &BrokerConfig,
) -> Result<Connection, SessionError> {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    let url: Result<AMQPUri, String> = broker.amqp_url.expose_secret().parse();
    let mut url = url.map_err(|error| lapin::Error::from(std::io::Error::other(error)))?;
    url.query.heartbeat.get_or_insert(HEARTBEAT);
    let (trust, runtime) = (broker.trust.amqp(), default_runtime()?);
    answered(Connection::connect_uri_with_config(url, properties, trust, runtime)).await
}
