//! The settings of analyses.

use std::time::Duration;

use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// Submitting analyses, and following them.
#[derive(Debug, Clone, Deserialize)]
pub struct AnalysesSettings {
    /// Retention of an `Idempotency-Key`.
    #[serde(with = "humantime_serde")]
    pub idempotency_ttl: Duration,
    /// Retention of an analysis after its end, with its result, history and photo; unset: until its owner deletes it.
    /// `toneup prune` deletes what is older once.
    #[serde(default, with = "humantime_serde::option")]
    pub analysis_retention: Option<Duration>,
    /// Photos that one user may submit in an hour, of one analysis or of several.
    pub submits_per_hour: u32,
    /// Analyses that one user may cancel in an hour: what is submitted and cancelled costs, and is never counted as waiting.
    pub cancels_per_hour: u32,
    /// Memory for photos that come in forms, in MiB: what arrives slowest gives way when it is full. The largest form takes 41.
    pub form_photos_mib: u32,
    /// Event streams that one user may hold open at a replica.
    pub streams_per_user: u32,
    /// Event streams that a replica holds open.
    pub streams_per_replica: u32,
}

impl Section for AnalysesSettings {
    const DEFAULTS: &'static str = r#"
        idempotency_ttl = "24h"
        submits_per_hour = 3600
        cancels_per_hour = 600
        form_photos_mib = 48
        streams_per_user = 20
        streams_per_replica = 20000
    "#;
}

impl AnalysesSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
