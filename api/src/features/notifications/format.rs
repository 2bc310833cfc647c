//! The contents of events. The feature that an event belongs to supplies them; notifications only carry them.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use toneup_shared::pushes::PushEvent;
use toneup_shared::pushes::claim::Delivery;

use crate::http::language::Language;

/// The words of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// One line.
    pub(crate) title: String,
    /// One sentence.
    pub(crate) body: &'static str,
}

/// A notification for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    /// The members that the message carries beside its id and type.
    pub(crate) members: Map<String, Value>,
    /// The words that are shown.
    pub(crate) words: Words,
}

/// Formats the events of one feature. An `Err` is the reason why the event is not sent.
pub(crate) trait EventFormat: fmt::Debug + Send + Sync + 'static {
    /// The `data` of a webhook's request.
    fn webhook_data(&self, delivery: &Delivery) -> Result<Value, &'static str>;

    /// The notification that browsers and phones show; by default, events are not shown.
    fn notification(
        &self,
        _delivery: &Delivery,
        _language: Language,
    ) -> Result<Notification, &'static str> {
        Err("not of interest to a person")
    }
}

/// The formats of all events, by the prefixes of their names. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct EventFormats(Arc<Vec<(&'static str, Box<dyn EventFormat>)>>);

impl EventFormats {
    /// Combines the formats of the features with that of the webhooks' own events.
    pub(crate) fn new(mut formats: Vec<(&'static str, Box<dyn EventFormat>)>) -> Self {
        formats.push(("webhook.", Box::new(WebhookEvents)));
        Self(Arc::new(formats))
    }

    /// Finds the format of an event.
    pub(super) fn of(&self, event: PushEvent) -> Result<&dyn EventFormat, &'static str> {
        let name = event.as_str();
        let found = self.0.iter().find(|(prefix, _)| name.starts_with(prefix));
        found.map(|(_, format)| &**format).ok_or("no feature formats this event")
    }
}

/// Formats `webhook.ping` and `webhook.disabled`.
#[derive(Debug)]
struct WebhookEvents;

impl EventFormat for WebhookEvents {
    fn webhook_data(&self, delivery: &Delivery) -> Result<Value, &'static str> {
        Ok(match delivery.event {
            PushEvent::Ping => json!({ "webhookId": delivery.target }),
            _ => json!({ "webhookId": delivery.subject }),
        })
    }
}
