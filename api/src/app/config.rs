//! What the api reads from its surroundings: once, in `main`, and nowhere else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toneup_shared::config::{
    BrokerConfig, ConfigError, DatabaseConfig, JobsConfig, ObjectsConfig, RedisConfig, Settings,
};
use toneup_shared::operations::OperationsConfig;
use url::Url;

use crate::features::notifications::fcm::FcmConfig;
use crate::features::notifications::vapid::Vapid;
use crate::features::notifications::webhooks::guard::AllowedHosts;

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
    /// Telling users where they are not looking.
    pub push: PushConfig,
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
    /// How long it goes on serving after SIGTERM, not ready, until load balancers have noticed.
    #[serde(with = "humantime_serde")]
    pub api_drain_delay: Duration,
    /// How long open requests may finish after that.
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

/// Settings of webhooks, Web Push and FCM.
#[derive(Debug, Clone)]
pub struct PushConfig {
    /// Longest wait for one answer of a receiver.
    pub timeout: Duration,
    /// How long what was told is remembered.
    pub retention: Duration,
    /// How long a target may fail before nothing is sent to it any more.
    pub patience: Duration,
    /// Webhooks one user may have.
    pub webhook_limit: u32,
    /// Where webhooks may lead although it is no public address, or no https.
    pub webhook_allowed: AllowedHosts,
    /// Browsers and phones one user may have.
    pub subscription_limit: u32,
    /// Signs what browsers are sent; none: browsers are not told.
    pub vapid: Option<Vapid>,
    /// Sends to phones; none: phones are not told.
    pub fcm: Option<FcmConfig>,
}

/// The same as the environment names it.
#[derive(Debug, Deserialize)]
struct PushSettings {
    #[serde(with = "humantime_serde")]
    push_timeout: Duration,
    #[serde(with = "humantime_serde")]
    push_retention: Duration,
    #[serde(with = "humantime_serde")]
    push_disable_after: Duration,
    webhook_limit: u32,
    #[serde(default)]
    webhook_allowed_hosts: String,
    push_subscription_limit: u32,
    vapid_private_key: Option<SecretString>,
    vapid_subject: Option<String>,
    fcm_service_account: Option<SecretString>,
    fcm_service_account_file: Option<PathBuf>,
    fcm_endpoint: Url,
}

impl PushSettings {
    /// Longer than the last retry is away.
    const LEAST_RETENTION: Duration = Duration::from_hours(4 * 24);

    fn parse(self) -> Result<PushConfig, ConfigError> {
        if self.push_retention < Self::LEAST_RETENTION {
            return Err(ConfigError::invalid(
                "PUSH_RETENTION",
                "at least 4d: retries go on so long",
            ));
        }
        let allowed = self.webhook_allowed_hosts.parse().map_err(|_| {
            ConfigError::invalid(
                "WEBHOOK_ALLOWED_HOSTS",
                "host names, addresses or networks (10.0.0.0/8), separated by commas",
            )
        })?;
        let vapid = match (&self.vapid_private_key, &self.vapid_subject) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(ConfigError::invalid(
                    "VAPID_SUBJECT",
                    "an address, with VAPID_PRIVATE_KEY",
                ));
            }
            (Some(key), Some(subject)) => Some(Vapid::new(key, subject)?),
        };
        let account = self.service_account()?;
        let fcm = account.map(|account| FcmConfig::new(self.fcm_endpoint, &account)).transpose()?;
        Ok(PushConfig {
            timeout: self.push_timeout,
            retention: self.push_retention,
            patience: self.push_disable_after,
            webhook_limit: self.webhook_limit,
            webhook_allowed: allowed,
            subscription_limit: self.push_subscription_limit,
            vapid,
            fcm,
        })
    }

    /// The service account's JSON, given as it is or as a file.
    fn service_account(&self) -> Result<Option<SecretString>, ConfigError> {
        match (&self.fcm_service_account, &self.fcm_service_account_file) {
            (Some(json), None) => Ok(Some(json.clone())),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    let expected = format!("a file that can be read ({error})");
                    ConfigError::invalid("FCM_SERVICE_ACCOUNT_FILE", &expected)
                })?;
                Ok(Some(text.into()))
            }
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                let expected = "only one of it and FCM_SERVICE_ACCOUNT";
                Err(ConfigError::invalid("FCM_SERVICE_ACCOUNT_FILE", expected))
            }
        }
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
            push: settings.section::<PushSettings>()?.parse()?,
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
