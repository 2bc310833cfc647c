//! The settings of signing in.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

use super::provider::{ProviderConfig, parse};

/// Settings of signing in with accounts elsewhere.
#[derive(Clone)]
pub struct SignInSettings {
    /// The providers that are offered.
    pub(super) providers: Vec<ProviderConfig>,
    /// Attempts that one address may make in a minute.
    pub(super) per_minute: u32,
}

impl std::fmt::Debug for SignInSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInSettings").finish_non_exhaustive()
    }
}

/// Signing in with accounts elsewhere.
#[derive(Debug, Deserialize)]
struct RawSettings {
    /// The providers, in TOML, a table for each: `google = { client_id = "…", client_secret = "…" }`. See docs/auth.md.
    sign_in_providers: Option<SecretString>,
    /// Attempts to sign in that one address may make in a minute.
    sign_in_per_minute: u32,
}

impl Section for RawSettings {
    const DEFAULTS: &'static str = "sign_in_per_minute = 60";
    const SECRETS: &'static [&'static str] = &["SIGN_IN_PROVIDERS"];
}

impl SignInSettings {
    /// Reads and validates the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let raw: RawSettings = settings.section()?;
        let text = raw.sign_in_providers.as_ref().map_or("", SecretString::expose_secret);
        Ok(Self { providers: parse(text)?, per_minute: raw.sign_in_per_minute })
    }
}
