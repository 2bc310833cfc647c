//! The settings of uploads.

use secrecy::SecretString;
use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// Uploads.
#[derive(Debug, Clone, Deserialize)]
pub struct UploadsSettings {
    /// Seals the keys of uploaded objects.
    pub jwt_secret: SecretString,
    /// Photos that one user may send in an hour.
    pub uploads_per_hour: u32,
}

impl Section for UploadsSettings {
    const DEFAULTS: &'static str = "uploads_per_hour = 600";
    const SECRETS: &'static [&'static str] = &["JWT_SECRET"];
}

impl UploadsSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
