//! The settings of notices.

use std::time::Duration;

use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// Notices.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct NoticesSettings {
    /// Retention of notices, from the last change.
    #[serde(with = "humantime_serde")]
    pub notice_retention: Duration,
}

impl Section for NoticesSettings {
    const DEFAULTS: &'static str = r#"
        notice_retention = "90d"
    "#;
}

impl NoticesSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
