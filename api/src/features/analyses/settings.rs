//! The settings of analyses.

use std::time::Duration;

use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// Submitting analyses.
#[derive(Debug, Clone, Deserialize)]
pub struct AnalysesSettings {
    /// Retention of an `Idempotency-Key`.
    #[serde(with = "humantime_serde")]
    pub idempotency_ttl: Duration,
}

impl Section for AnalysesSettings {
    const DEFAULTS: &'static str = r#"
        idempotency_ttl = "24h"
    "#;
}

impl AnalysesSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
