//! The dispatchers, one for each channel that is configured.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;
use toneup_notify::ChannelKind;
use toneup_platform::database::Database;
use toneup_platform::shutdown::Shutdown;

use super::dispatch::Dispatcher;
use super::fcm::Fcm;
use super::format::EventFormats;
use super::settings::NotificationsSettings;
use super::web_push::WebPush;
use super::webhooks::guard::system_lookup;
use super::webhooks::send::{Callbacks, Webhooks};
use super::webhooks::sign::CallbackKey;

/// The dispatchers of the channels that are configured. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Dispatchers {
    wakes: Arc<HashMap<ChannelKind, Arc<Notify>>>,
}

impl Dispatchers {
    /// Starts a dispatcher for each channel that is configured; they end when `shutdown` drains.
    pub(super) fn start(
        settings: &NotificationsSettings,
        formats: &EventFormats,
        callbacks: CallbackKey,
        pool: Database,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let webhooks = Arc::new(Webhooks::new(settings, formats.clone(), callbacks)?);
        let single = Arc::new(Callbacks(Arc::clone(&webhooks)));
        let mut wakes = HashMap::from([
            Dispatcher::start(webhooks, settings, formats, pool.clone(), shutdown),
            Dispatcher::start(single, settings, formats, pool.clone(), shutdown),
        ]);
        if let Some(vapid) = &settings.vapid {
            let allowed = settings.webhook_allowed.clone();
            let web_push =
                Arc::new(WebPush::new(vapid.clone(), allowed, system_lookup(), formats.clone())?);
            wakes.extend([Dispatcher::start(web_push, settings, formats, pool.clone(), shutdown)]);
        }
        if let Some(fcm) = &settings.fcm {
            let fcm = Arc::new(Fcm::new(fcm, formats.clone())?);
            wakes.extend([Dispatcher::start(fcm, settings, formats, pool, shutdown)]);
        }
        Ok(Self { wakes: Arc::new(wakes) })
    }

    /// Makes a channel, if it is configured, look for due deliveries at once.
    pub(crate) fn wake(&self, channel: ChannelKind) {
        if let Some(wake) = self.wakes.get(&channel) {
            wake.notify_one();
        }
    }
}
