//! The settings of the legacy endpoints.

use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// The legacy mobile endpoints.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct LegacyAppSettings {
    /// Enables `POST /api/personalcolortest`, which requires no token: for load tests only.
    #[serde(rename = "app_test_door")]
    pub test_endpoint: bool,
}

impl Section for LegacyAppSettings {
    const DEFAULTS: &'static str = "app_test_door = false";
}

impl LegacyAppSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
