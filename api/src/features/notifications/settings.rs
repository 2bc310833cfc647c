//! The settings of notifications.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};
use toneup_platform::vault::Vault;
use url::Url;

use super::fcm::FcmConfig;
use super::vapid::Vapid;
use super::webhooks::guard::AllowedHosts;

/// The key of `.env.example`, which everybody knows.
const PUBLISHED_KEY: &str = "ZGV2ZWxvcG1lbnQtb25seS1yZXBsYWNlLWZvci13ZWI=";

/// Settings of webhooks, Web Push and FCM.
#[derive(Debug, Clone)]
pub struct NotificationsSettings {
    /// Timeout of one request to a receiver.
    pub timeout: Duration,
    /// Retention of deliveries.
    pub retention: Duration,
    /// Retention of events, for clients that reconnect.
    pub event_retention: Duration,
    /// The time after which a target that keeps failing is disabled.
    pub patience: Duration,
    /// Webhooks that one user may have.
    pub webhook_limit: u32,
    /// Hosts that webhooks may use although they are not public, or not reached by https.
    pub webhook_allowed: AllowedHosts,
    /// Encrypts secrets that the database keeps.
    pub vault: Vault,
    /// Push subscriptions of each kind that one user may have.
    pub subscription_limit: u32,
    /// Signs Web Push messages; `None` turns Web Push off.
    pub vapid: Option<Vapid>,
    /// The FCM project; `None` turns FCM off.
    pub fcm: Option<FcmConfig>,
}

/// Notifications: webhooks, Web Push and FCM.
#[derive(Debug, Deserialize)]
struct RawSettings {
    /// Timeout of one request to a receiver of notifications.
    #[serde(with = "humantime_serde")]
    push_timeout: Duration,
    /// Retention of the log of deliveries; at least 4d, the span of the retries.
    #[serde(with = "humantime_serde")]
    push_retention: Duration,
    /// Time after which a target that keeps failing is disabled.
    #[serde(with = "humantime_serde")]
    push_disable_after: Duration,
    /// Retention of events: a client that reconnects within it receives each event that it missed.
    #[serde(with = "humantime_serde")]
    event_retention: Duration,
    /// Webhooks that one user may have.
    webhook_limit: u32,
    /// Hosts, addresses and networks, separated by commas, that webhooks and browsers' push services may use although
    /// they are private or not reached by https.
    #[serde(default)]
    webhook_allowed_hosts: String,
    /// Encrypt secrets that the database keeps, those of webhooks and of sign-in providers (AES-256-GCM): keys of 32 random bytes in base64, separated by
    /// commas. The first encrypts, all of them decrypt; what the others encrypted is encrypted anew within minutes.
    data_keys: SecretString,
    /// Accepts the secrets of `.env.example`, which are public. Never in production.
    development: Option<bool>,
    /// Browsers, and phones, that one user may register.
    push_subscription_limit: u32,
    /// Private key that signs Web Push messages (`toneup vapid` makes one); unset: Web Push is off. A new key ends all
    /// subscriptions of browsers.
    vapid_private_key: Option<SecretString>,
    /// Contact for push services, `mailto:…` or `https://…`; required with the key.
    vapid_subject: Option<String>,
    /// JSON key of the service account that sends to FCM; unset: FCM is off.
    fcm_service_account: Option<SecretString>,
    /// File with that JSON key; only one of the two may be set.
    fcm_service_account_file: Option<PathBuf>,
    /// Base address of FCM.
    fcm_endpoint: Url,
}

impl Section for RawSettings {
    const DEFAULTS: &'static str = r#"
        push_timeout = "15s"
        push_retention = "7d"
        push_disable_after = "5d"
        event_retention = "7d"
        webhook_limit = 10
        push_subscription_limit = 20
        fcm_endpoint = "https://fcm.googleapis.com"
    "#;
    const SECRETS: &'static [&'static str] = &["DATA_KEYS", "VAPID_PRIVATE_KEY"];
}

impl NotificationsSettings {
    /// Reads and validates the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section::<RawSettings>()?.parse()
    }
}

impl RawSettings {
    /// Longer than the last retry is away.
    const LEAST_RETENTION: Duration = Duration::from_hours(4 * 24);

    fn parse(self) -> Result<NotificationsSettings, ConfigError> {
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
        let vault = self.vault()?;
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
        Ok(NotificationsSettings {
            timeout: self.push_timeout,
            retention: self.push_retention,
            event_retention: self.event_retention,
            patience: self.push_disable_after,
            webhook_limit: self.webhook_limit,
            webhook_allowed: allowed,
            vault,
            subscription_limit: self.push_subscription_limit,
            vapid,
            fcm,
        })
    }

    /// The keys that encrypt secrets in the database.
    fn vault(&self) -> Result<Vault, ConfigError> {
        let keys = self.data_keys.expose_secret();
        if !self.development.unwrap_or(false) && keys.contains(PUBLISHED_KEY) {
            let own = "one of your own, or DEVELOPMENT=true: this one is published";
            return Err(ConfigError::invalid("DATA_KEYS", own));
        }
        let expected = "keys of 32 bytes in base64, separated by commas (openssl rand -base64 32)";
        Vault::parse(keys).ok_or_else(|| ConfigError::invalid("DATA_KEYS", expected))
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
