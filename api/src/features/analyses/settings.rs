//! The settings of analyses.

use std::time::Duration;

use serde::Deserialize;
use toneup_shared::config::{ConfigError, Settings};

/// Settings of submits.
#[derive(Debug, Clone, Deserialize)]
pub struct AnalysesSettings {
    /// Retention of idempotency keys.
    #[serde(with = "humantime_serde")]
    pub idempotency_ttl: Duration,
}

impl AnalysesSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
