//! The state of reports.

use toneup_platform::database::Database;

use crate::http::limits::RateLimiter;

/// The part of the application's state that reports use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ReportsState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
}

impl ReportsState {
    /// Creates the state.
    pub(crate) fn new(pool: Database, limiter: RateLimiter) -> Self {
        Self { pool, limiter }
    }
}
