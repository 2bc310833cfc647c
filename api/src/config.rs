//! What the api reads from its surroundings: once, in `main`, and nowhere else.

use std::net::SocketAddr;
use std::time::Duration;

use axum::http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toneup_shared::config::{
    BrokerConfig, ConfigError, DatabaseConfig, JobsConfig, ObjectsConfig, RedisConfig, Settings,
};
use toneup_shared::operations::OperationsConfig;

use crate::http::cors;

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
    /// Other origins whose pages may call the API.
    pub cors_origins: Vec<HeaderValue>,
}

/// Which other origins' pages may call.
#[derive(Debug, Deserialize)]
struct CorsSettings {
    cors_origins: Option<String>,
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
            cors_origins: match settings.section::<CorsSettings>()?.cors_origins {
                Some(text) => cors::origins(&text)?,
                None => Vec::new(),
            },
        };
        if config.server.jwt_secret.expose_secret().len() < Self::SECRET_BYTES {
            return Err(ConfigError::invalid("JWT_SECRET", "at least 32 bytes"));
        }
        Ok(config)
    }
}
