//! The api's configuration, read from the environment once, in `main`.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use toneup_colour::config::ColourConfig;
use toneup_jobs::config::JobsConfig;
use toneup_platform::config::{
    BrokerConfig, ConfigError, DatabaseConfig, ObjectsConfig, RedisConfig, Section, Settings,
};
use toneup_platform::origins::PageOrigins;
use toneup_platform::probes::ProbesConfig;

use crate::features::FeatureSettings;

/// Configuration of the api.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Connection to the database.
    pub database: DatabaseConfig,
    /// Connection to RabbitMQ.
    pub broker: BrokerConfig,
    /// Connection to Redis.
    pub redis: RedisConfig,
    /// Access to the object store that holds the photos.
    pub objects: ObjectsConfig,
    /// The rules of a job's life.
    pub jobs: JobsConfig,
    /// Settings of the HTTP server.
    pub server: ServerConfig,
    /// Settings of the features.
    pub features: FeatureSettings,
    /// The limits of analyses.
    pub colour: ColourConfig,
    /// The server for health checks and metrics.
    pub probes: ProbesConfig,
    /// The origins whose pages may call the API.
    pub page_origins: PageOrigins,
}

/// The HTTP server.
#[derive(Debug, Clone, Deserialize)]
pub struct ServerConfig {
    /// Address that the API is served on.
    pub api_listen: SocketAddr,
    /// Time after SIGTERM during which it still serves while `/readyz` answers 503, so that load balancers notice.
    #[serde(with = "humantime_serde")]
    pub api_drain_delay: Duration,
    /// Time for open requests to finish after that.
    #[serde(with = "humantime_serde")]
    pub api_shutdown_grace: Duration,
    /// Header to which trusted proxies add the address that they were called from: `X-Forwarded-For`, `Forwarded`, or
    /// one of their own; unset: the connection's address is used.
    pub client_ip_header: Option<String>,
    /// Trusted proxies in a row, each of which adds an entry: the client's address is this entry, counted from the end
    /// over all lines.
    pub client_ip_hops: u8,
}

impl Section for ServerConfig {
    const DEFAULTS: &'static str = r#"
        api_listen = "127.0.0.1:8080"
        api_drain_delay = "0s"
        api_shutdown_grace = "25s"
        client_ip_hops = 1
    "#;
}

impl ApiConfig {
    /// Reads and validates the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            database: settings.section()?,
            broker: settings.section()?,
            redis: settings.section()?,
            objects: settings.section()?,
            jobs: settings.section()?,
            server: settings.section()?,
            features: FeatureSettings::load(settings)?,
            colour: settings.section()?,
            probes: settings.section()?,
            page_origins: PageOrigins::load(settings)?,
        })
    }
}
