//! The settings of accounts.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// Shortest secret that may key HS256 (RFC 7518 §3.2), in bytes.
const SECRET_BYTES: usize = 32;

/// Sessions and tokens.
#[derive(Debug, Clone, Deserialize)]
pub struct AccountsSettings {
    /// Signs access tokens; at least 32 bytes.
    pub jwt_secret: SecretString,
    /// Lifetime of an access token.
    #[serde(with = "humantime_serde")]
    pub access_token_ttl: Duration,
    /// Lifetime of a refresh token.
    #[serde(with = "humantime_serde")]
    pub refresh_token_ttl: Duration,
    /// Guest sessions that one address may start in a minute.
    pub guest_sessions_per_minute: u32,
}

impl Section for AccountsSettings {
    const DEFAULTS: &'static str = r#"
        access_token_ttl = "15m"
        refresh_token_ttl = "30d"
        guest_sessions_per_minute = 30
    "#;
    const SECRETS: &'static [&'static str] = &["JWT_SECRET"];
}

impl AccountsSettings {
    /// Reads and validates the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let accounts: Self = settings.section()?;
        if accounts.jwt_secret.expose_secret().len() < SECRET_BYTES {
            return Err(ConfigError::invalid("JWT_SECRET", "at least 32 bytes"));
        }
        Ok(accounts)
    }
}
