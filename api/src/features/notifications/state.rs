//! The state of notifications.

use std::sync::Arc;

use toneup_platform::database::Database;
use toneup_platform::leader::Leadership;
use toneup_platform::reseal;
use toneup_platform::shutdown::Shutdown;

use super::dispatchers::Dispatchers;
use super::format::EventFormats;
use super::settings::NotificationsSettings;
use super::webhooks::reseal::WebhookSecrets;
use super::webhooks::sign::CallbackKey;
use super::webhooks::urls::WebhookUrls;
use crate::http::limits::RateLimiter;

/// The part of the application's state that notifications use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct NotificationsState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    pub(super) settings: Arc<NotificationsSettings>,
    pub(super) dispatchers: Dispatchers,
    pub(super) formats: EventFormats,
    pub(super) urls: WebhookUrls,
    /// Signs requests to the webhooks of single submits.
    pub(super) callbacks: CallbackKey,
}

impl NotificationsState {
    /// Starts a dispatcher for each channel that is configured; on the replica that leads, encrypts secrets anew where the
    /// keys have changed.
    pub(crate) fn start(
        settings: NotificationsSettings,
        formats: &EventFormats,
        callbacks: CallbackKey,
        pool: Database,
        limiter: RateLimiter,
        leadership: Leadership,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let vault = settings.vault.clone();
        let draining = shutdown.draining.clone();
        shutdown.tasks.spawn(reseal::run::<WebhookSecrets>(
            pool.clone(),
            vault,
            leadership,
            draining,
        ));
        let urls = WebhookUrls::new(&settings);
        let dispatchers =
            Dispatchers::start(&settings, formats, callbacks.clone(), pool.clone(), shutdown)?;
        let (settings, formats) = (Arc::new(settings), formats.clone());
        Ok(Self { pool, limiter, settings, dispatchers, formats, urls, callbacks })
    }

    /// Returns the handle that wakes the dispatchers.
    pub(crate) fn dispatchers(&self) -> Dispatchers {
        self.dispatchers.clone()
    }
}
