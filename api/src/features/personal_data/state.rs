//! The state of personal data.

use std::sync::Arc;

use toneup_platform::database::Database;

use crate::http::export::Export;
use crate::http::limits::RateLimiter;

/// The part of the application's state that personal data uses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PersonalDataState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    /// Exports of the features.
    pub(super) exports: Arc<[Export]>,
}

impl PersonalDataState {
    /// Creates the state.
    pub(crate) fn new(pool: Database, limiter: RateLimiter, exports: Vec<Export>) -> Self {
        Self { pool, limiter, exports: exports.into() }
    }
}
