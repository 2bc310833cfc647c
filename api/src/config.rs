//! What the api reads from its surroundings: once, in `main`, and nowhere else.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toneup_shared::analyses::purge::Retention;
use toneup_shared::config::{
    BrokerConfig, ConfigError, DatabaseConfig, JobsConfig, ObjectsConfig, RedisConfig, Settings,
};
use toneup_shared::operations::OperationsConfig;

/// Everything the api needs to know.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// The database.
    pub database: DatabaseConfig,
    /// The broker.
    pub broker: BrokerConfig,
    /// Redis.
    pub redis: RedisConfig,
    /// The photos.
    pub objects: ObjectsConfig,
    /// Rules of a job's life.
    pub jobs: JobsConfig,
    /// The server's own settings.
    pub server: ServerConfig,
    /// Where operators' tools ask.
    pub operations: OperationsConfig,
}

/// Settings of the HTTP server.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerConfig {
    /// Where to listen.
    pub api_listen: SocketAddr,
    /// How long open requests may finish after SIGTERM.
    #[serde(with = "humantime_serde")]
    pub api_shutdown_grace: Duration,
    /// Signs access tokens; at least 32 bytes.
    pub jwt_secret: SecretString,
    /// How long an access token is good for.
    #[serde(with = "humantime_serde")]
    pub access_token_ttl: Duration,
    /// How long a refresh token is good for.
    #[serde(with = "humantime_serde")]
    pub refresh_token_ttl: Duration,
    /// Guest sessions one address may start in a minute.
    pub guest_sessions_per_minute: u32,
    /// The header in which a trusted proxy names the client's address; unset: the connection's own address.
    pub client_ip_header: Option<String>,
    /// How long an idempotency key is remembered.
    #[serde(with = "humantime_serde")]
    pub idempotency_ttl: Duration,
    /// How long events can be replayed.
    #[serde(with = "humantime_serde")]
    pub event_retention: Duration,
    /// Whether the app's door without a token is open.
    pub app_test_door: bool,
}

impl ServerConfig {
    /// How long what can be asked for is kept.
    pub(crate) fn retention(&self) -> Retention {
        Retention { idempotency: self.idempotency_ttl, events: self.event_retention }
    }
}

impl ApiConfig {
    /// Shortest secret that HS256 may be keyed with (RFC 7518 §3.2), in bytes.
    const SECRET_BYTES: usize = 32;

    /// Reads and checks the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let config = Self {
            database: settings.section()?,
            broker: settings.section()?,
            redis: settings.section()?,
            objects: settings.section()?,
            jobs: settings.section()?,
            server: settings.section()?,
            operations: settings.section()?,
        };
        if config.server.jwt_secret.expose_secret().len() < Self::SECRET_BYTES {
            return Err(ConfigError::invalid("JWT_SECRET", "at least 32 bytes"));
        }
        Ok(config)
    }
}
