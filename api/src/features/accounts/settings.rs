//! The settings of accounts.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

use super::keys::Keys;

/// Shortest secret that may key HS256 (RFC 7518 §3.2), in bytes.
const SECRET_BYTES: usize = 32;
/// The secrets of `.env.example`, which everybody knows.
const PUBLISHED_SECRET: &str = "development-only-secret-replace-it-anywhere-else";
const PUBLISHED_OPERATOR_SECRET: &str = "development-only-operators-replace-it-anywhere-else";
const PUBLISHED_KEY: &str = "ZGV2ZWxvcG1lbnQtb25seS1yZXBsYWNlLWl0LTIwMjY=";

const OWN: &str = "one of your own, or DEVELOPMENT=true: this one is published";

/// Settings of sessions and tokens.
#[derive(Clone)]
pub struct AccountsSettings {
    /// The server's secret, from which keys are derived.
    pub jwt_secret: SecretString,
    /// Signs operators' tokens.
    pub operator_secret: SecretString,
    /// Signs and verifies access tokens.
    pub(super) keys: Keys,
    /// Lifetime of an access token.
    pub access_token_ttl: Duration,
    /// Lifetime of a refresh token.
    pub refresh_token_ttl: Duration,
    /// Guest sessions that one address may start in a minute.
    pub guest_sessions_per_minute: u32,
}

impl std::fmt::Debug for AccountsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountsSettings").finish_non_exhaustive()
    }
}

/// Sessions and tokens.
#[derive(Debug, Deserialize)]
struct RawSettings {
    /// The server's secret, at least 32 bytes: refresh tokens are derived from it, and the browser's sign-in is encrypted
    /// with a key that is.
    jwt_secret: SecretString,
    /// Signs operators' access tokens, and nothing else; at least 32 bytes.
    operator_secret: SecretString,
    /// Sign access tokens (EdDSA): keys of 32 random bytes in base64, separated by commas. The first signs, all of them
    /// verify, and all are published in `/.well-known/jwks.json`.
    token_keys: SecretString,
    /// Lifetime of an access token.
    #[serde(with = "humantime_serde")]
    access_token_ttl: Duration,
    /// Lifetime of a refresh token.
    #[serde(with = "humantime_serde")]
    refresh_token_ttl: Duration,
    /// Guest sessions that one address may start in a minute.
    guest_sessions_per_minute: u32,
    /// Accepts the secrets of `.env.example`, which are public. Never in production.
    development: Option<bool>,
}

impl Section for RawSettings {
    const DEFAULTS: &'static str = r#"
        access_token_ttl = "15m"
        refresh_token_ttl = "30d"
        guest_sessions_per_minute = 30
    "#;
    const SECRETS: &'static [&'static str] = &["JWT_SECRET", "OPERATOR_SECRET", "TOKEN_KEYS"];
}

impl AccountsSettings {
    /// Reads and validates the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let raw: RawSettings = settings.section()?;
        let (secret, keys) = (raw.jwt_secret.expose_secret(), raw.token_keys.expose_secret());
        let operators = raw.operator_secret.expose_secret();
        let is_development = raw.development.unwrap_or(false);
        for (name, secret, published) in [
            ("JWT_SECRET", secret, PUBLISHED_SECRET),
            ("OPERATOR_SECRET", operators, PUBLISHED_OPERATOR_SECRET),
        ] {
            if secret.len() < SECRET_BYTES {
                return Err(ConfigError::invalid(name, "at least 32 bytes"));
            }
            if !is_development && secret == published {
                return Err(ConfigError::invalid(name, OWN));
            }
        }
        if secret == operators {
            return Err(ConfigError::invalid("OPERATOR_SECRET", "another one than JWT_SECRET"));
        }
        if !is_development && keys.contains(PUBLISHED_KEY) {
            return Err(ConfigError::invalid("TOKEN_KEYS", OWN));
        }
        let expected = "keys of 32 bytes in base64, separated by commas (openssl rand -base64 32)";
        let keys = Keys::parse(keys).ok_or_else(|| ConfigError::invalid("TOKEN_KEYS", expected))?;
        Ok(Self {
            jwt_secret: raw.jwt_secret,
            operator_secret: raw.operator_secret,
            keys,
            access_token_ttl: raw.access_token_ttl,
            refresh_token_ttl: raw.refresh_token_ttl,
            guest_sessions_per_minute: raw.guest_sessions_per_minute,
        })
    }
}
