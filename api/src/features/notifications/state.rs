//! The state of notifications.

use std::sync::Arc;

use toneup_platform::database::Database;
use toneup_platform::shutdown::Shutdown;

use super::dispatchers::Dispatchers;
use super::format::EventFormats;
use super::settings::NotificationsSettings;
use crate::http::limits::RateLimiter;

/// The part of the application's state that notifications use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NotificationsState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    pub(super) settings: Arc<NotificationsSettings>,
    pub(super) dispatchers: Dispatchers,
    pub(super) formats: EventFormats,
}

impl NotificationsState {
    /// Starts a dispatcher for each channel that is configured.
    pub(crate) fn start(
        settings: NotificationsSettings,
        formats: &EventFormats,
        pool: Database,
        limiter: RateLimiter,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let dispatchers = Dispatchers::start(&settings, formats, pool.clone(), shutdown)?;
        let (settings, formats) = (Arc::new(settings), formats.clone());
        Ok(Self { pool, limiter, settings, dispatchers, formats })
    }

    /// Returns the handle that wakes the dispatchers.
    pub(crate) fn dispatchers(&self) -> Dispatchers {
        self.dispatchers.clone()
    }
}
