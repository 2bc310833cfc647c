//! Telling users where they are not looking: webhooks, browsers, phones.
//!
//! A *target* is a place to tell, a *delivery* something to tell it. Deliveries are written in the transaction that makes
//! them true ([`deliveries::announce`]), and sent at least once, with an id that stays the same. A target is also a *lane*:
//! one sender at a time holds it ([`claim`]), sends some of what is due, and writes what came of it ([`settle`]).

pub mod claim;
pub mod deliveries;
pub mod log;
pub mod purge;
pub mod settle;
pub mod subscriptions;
pub mod targets;

use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};
use sqlx::MySql;
use sqlx::error::BoxDynError;
use sqlx::mysql::{MySqlTypeInfo, MySqlValueRef};
use uuid::Uuid;

use crate::analyses::Status;

/// A target's identity.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct TargetId(pub Uuid);

/// A delivery's identity: `UUIDv7`, so that ids sort by time. Receivers see it, the same at every attempt.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct DeliveryId(pub Uuid);

/// A way of telling. As JSON, its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelKind {
    /// A request to a server of the user's.
    Webhook,
    /// A browser's push service.
    WebPush,
    /// Firebase Cloud Messaging.
    Fcm,
}

impl ChannelKind {
    /// Every channel.
    pub const ALL: [Self; 3] = [Self::Webhook, Self::WebPush, Self::Fcm];

    /// The channel of this word; a later version may have more of them.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The word used in SQL, JSON, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::WebPush => "web_push",
            Self::Fcm => "fcm",
        }
    }
}

impl Serialize for ChannelKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PushEvent {
    /// An analysis ended, in this state.
    Ended(Status),
    /// The owner wants to see whether the target works.
    Ping,
    /// Another webhook of the same owner was disabled.
    WebhookDisabled,
}

impl PushEvent {
    /// Every event.
    pub const ALL: [Self; 6] = [
        Self::Ended(Status::Succeeded),
        Self::Ended(Status::Failed),
        Self::Ended(Status::Cancelled),
        Self::Ended(Status::Expired),
        Self::Ping,
        Self::WebhookDisabled,
    ];

    /// The name used in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ended(Status::Succeeded) => "analysis.succeeded",
            Self::Ended(Status::Failed) => "analysis.failed",
            Self::Ended(Status::Cancelled) => "analysis.cancelled",
            Self::Ended(Status::Expired) => "analysis.expired",
            Self::Ended(Status::Queued | Status::Running) => "analysis.changed",
            Self::Ping => "webhook.ping",
            Self::WebhookDisabled => "webhook.disabled",
        }
    }
}

/// The text is not an event.
#[derive(Debug, thiserror::Error)]
#[error("unknown event {0:?}")]
pub struct ParseEventError(String);

impl FromStr for PushEvent {
    type Err = ParseEventError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let event = Self::ALL.into_iter().find(|event| event.as_str() == text);
        event.ok_or_else(|| ParseEventError(text.to_owned()))
    }
}

impl sqlx::Type<MySql> for PushEvent {
    fn type_info() -> MySqlTypeInfo {
        <str as sqlx::Type<MySql>>::type_info()
    }

    fn compatible(ty: &MySqlTypeInfo) -> bool {
        <str as sqlx::Type<MySql>>::compatible(ty)
    }
}

impl<'r> sqlx::Decode<'r, MySql> for PushEvent {
    fn decode(value: MySqlValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(<&str as sqlx::Decode<MySql>>::decode(value)?.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_its_name() {
        for event in PushEvent::ALL {
            assert_eq!(event.as_str().parse::<PushEvent>().unwrap(), event);
        }
        assert!("analysis.changed".parse::<PushEvent>().is_err());
    }
}
