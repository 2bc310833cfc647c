//! Notifications: the event log, and deliveries of its events to webhooks, browsers and phones.
//!
//! A *target* is a destination of notifications, a *delivery* one event to send to it. Deliveries are written in the
//! transaction that makes them true ([`deliveries::announce`]), and sent at least once, with an id that stays the same.
//! A target is also a *lane*: one sender at a time holds it ([`claim`]), sends some of what is due, and writes the
//! outcome ([`settle`]).

pub mod callbacks;
pub mod claim;
pub mod deliveries;
pub mod delivery_log;
pub mod erase;
pub mod events;
pub mod notices;
pub mod purge;
pub mod settle;
pub mod subscriptions;
pub mod targets;

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// Identifier of a target.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct TargetId(pub Uuid);

/// Identifier of a delivery: a `UUIDv7`, so that ids sort by time. Receivers see it, the same at every attempt.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct DeliveryId(pub Uuid);

/// A notification channel. Its JSON form is its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelKind {
    /// HTTP request to a server of the user's.
    Webhook,
    /// Web Push, through the browser's push service.
    WebPush,
    /// Firebase Cloud Messaging.
    Fcm,
    /// HTTP request to a URL that was given with one job.
    Callback,
}

impl ChannelKind {
    /// The channels whose targets users register.
    pub const REGISTERED: [Self; 3] = [Self::Webhook, Self::WebPush, Self::Fcm];
    /// All channels.
    const ALL: [Self; 4] = [Self::Webhook, Self::WebPush, Self::Fcm, Self::Callback];

    /// Returns the channel of this name; `None` if only a later version knows it.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Name of the channel in SQL, JSON, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::WebPush => "web_push",
            Self::Fcm => "fcm",
            Self::Callback => "callback",
        }
    }
}

impl Serialize for ChannelKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Name of the test event that the owner of a target can request.
pub const PING: &str = "webhook.ping";
/// Name of the event that another webhook of the same owner was disabled.
pub const WEBHOOK_DISABLED: &str = "webhook.disabled";
