//! Out-of-band notifications: webhooks, Web Push and FCM. Each is a `Channel`; finding due deliveries, retries and the
//! handling of unreachable targets are the same for all of them (`dispatch`).

mod channel;
mod dispatch;
mod dispatchers;
mod export;
mod fcm;
mod format;
mod google;
mod lanes;
mod metrics;
mod notice;
mod problems;
mod purge;
mod routes;
mod settings;
mod state;
mod subscription_keys;
mod subscriptions;
mod turn;
mod vapid;
mod web_push;
mod webhooks;

pub(crate) use self::dispatchers::Dispatchers;
pub(crate) use self::export::exports;
pub(crate) use self::format::{EventContent, EventFormat, EventFormats, Notification, Words};
pub(crate) use self::metrics::METRICS;
pub use self::problems::PROBLEMS;
pub use self::purge::purges;
pub(crate) use self::routes::routes;
pub use self::settings::NotificationsSettings;
pub use self::state::NotificationsState;
pub(crate) use self::webhooks::sign::CallbackKey;
pub(crate) use self::webhooks::urls::WebhookUrls;
