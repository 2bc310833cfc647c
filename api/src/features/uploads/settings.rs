//! The settings of uploads.

use std::time::Duration;

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
    /// Retention of a photo that was uploaded and not submitted.
    #[serde(with = "humantime_serde")]
    pub upload_retention: Duration,
}

impl Section for UploadsSettings {
    const DEFAULTS: &'static str = r#"
        uploads_per_hour = 600
        upload_retention = "12h"
    "#;
    const SECRETS: &'static [&'static str] = &["JWT_SECRET"];
}

impl UploadsSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
