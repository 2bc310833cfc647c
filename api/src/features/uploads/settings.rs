//! The settings of uploads.

use secrecy::SecretString;
use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// Presigned uploads.
#[derive(Debug, Clone, Deserialize)]
pub struct UploadsSettings {
    /// Seals the keys of uploaded objects.
    pub jwt_secret: SecretString,
}

impl Section for UploadsSettings {
    const SECRETS: &'static [&'static str] = &["JWT_SECRET"];
}

impl UploadsSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
