//! The settings of analyses.

use std::time::Duration;

use serde::Deserialize;
use toneup_platform::config::Section;

use crate::photo_answers::Reuse;

/// The limits of analyses, and the lifetime of their photos.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ColourConfig {
    /// How often an analysis is tried.
    pub job_max_attempts: u16,
    /// Unfinished analyses that one user may have; more are refused.
    pub job_user_ceiling: u32,
    /// Analyses that may wait altogether; more are refused.
    pub job_ceiling: u32,
    /// Whose earlier answers a photo may get: `user`, `all` or `off`.
    pub photo_reuse: Reuse,
    /// How long a photo is kept after its analysis has ended (`0s`: deleted at once); unset: until the bucket's lifecycle
    /// rule deletes it.
    #[serde(default, with = "humantime_serde::option")]
    pub photo_retention: Option<Duration>,
}

impl Section for ColourConfig {
    const DEFAULTS: &'static str = r#"
        job_max_attempts = 5
        job_user_ceiling = 1000
        job_ceiling = 100000
        photo_reuse = "user"
    "#;
}
