//! Settings of analyses and photos.

use std::time::Duration;

use serde::Deserialize;
use toneup_platform::config::Section;

use crate::photo_answers::Reuse;

/// Analyses: limits, and the retention of photos.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ColourConfig {
    /// Attempts of an analysis, after which it fails.
    pub job_max_attempts: u16,
    /// Unfinished analyses that one user may have; more are refused.
    pub job_user_ceiling: u32,
    /// Analyses of all users that may wait; more are refused.
    pub job_ceiling: u32,
    /// Reuse of the earlier result of a photo with the same bytes: the same user's, everybody's, or off.
    pub photo_reuse: Reuse,
    /// Retention of a photo after its analysis has ended (`0s`: deleted at once); unset: the bucket's lifecycle rule
    /// deletes it.
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
