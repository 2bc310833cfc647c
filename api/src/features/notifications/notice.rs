//! The message that browsers and phones receive.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use toneup_notify::claim::Delivery;
use uuid::Uuid;

use super::format::{EventFormats, Notification, Words};
use crate::http::language::Language;

/// Time-to-live of a notification: a push service keeps it no longer for a device that is offline.
pub(super) const LIFETIME: Duration = Duration::from_hours(24);

/// Pauses after each failed attempt: within the lifetime of the notification.
pub(super) const PAUSES: &[Duration] = &[
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(3),
    Duration::from_hours(6),
    Duration::from_hours(8),
];

/// The message, the same on every channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    /// The same at every attempt: a device shows one notification for it.
    pub(super) id: Uuid,
    /// The event, e.g. `analysis.succeeded`.
    r#type: String,
    /// The members that the event's feature adds.
    #[serde(flatten)]
    members: Map<String, Value>,
    /// What a device shows one notification of.
    #[serde(skip)]
    pub(super) replaces: Uuid,
    /// The words, for channels that do not leave them to the device.
    #[serde(skip)]
    pub(super) words: Words,
}

impl Notice {
    /// Formats a delivery, and returns the rest of its lifetime; or the reason why it is not sent.
    pub(super) fn of(
        delivery: &Delivery,
        formats: &EventFormats,
        language: Language,
        now: OffsetDateTime,
    ) -> Result<(Self, Duration), &'static str> {
        let format = formats.of(&delivery.event)?;
        let age = Duration::try_from(now - delivery.created_at).unwrap_or_default();
        let left = LIFETIME.checked_sub(age).filter(|left| left.as_secs() > 0);
        let left = left.ok_or("it is too old to be of interest")?;
        let Notification { members, words, replaces } = format.notification(delivery, language)?;
        let r#type = delivery.event.clone();
        let id = delivery.id.0;
        Ok((Self { id, r#type, members, replaces: replaces.unwrap_or(id), words }, left))
    }
}
