//! The contents of events. The feature that an event belongs to supplies them; notifications only carry them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use sqlx::MySqlConnection;
use toneup_notify::PING;
use toneup_notify::claim::Delivery;
use toneup_notify::events::Event;
use toneup_platform::trace::TraceParent;
use uuid::Uuid;

use crate::http::language::Language;

/// The words of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// Title: one line.
    pub(crate) title: String,
    /// Body: one sentence.
    pub(crate) body: &'static str,
}

/// A notification for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Notification {
    /// The members that the message carries beside its id and type.
    pub(crate) members: Map<String, Value>,
    /// The words that are shown.
    pub(crate) words: Words,
    /// What a device shows one notification of: a later one about the same replaces it. By default, the delivery itself.
    pub(crate) replaces: Option<Uuid>,
}

/// The content of an event, as it stands when the event is sent.
#[derive(Debug, Clone)]
pub(crate) struct EventContent {
    /// JSON payload of the message.
    pub(crate) payload: Value,
    /// The trace of what the event is about.
    pub(crate) trace: Option<TraceParent>,
}

/// Formats the events of one feature. An `Err` is the reason why the event is not sent.
pub(crate) trait EventFormat: fmt::Debug + Send + Sync + 'static {
    /// The names of the events that a webhook can ask for.
    fn names(&self) -> &'static [&'static str];

    /// The name of these events on a user's stream; `None` if the stream tells of their subjects in another way.
    fn stream_name(&self) -> Option<&'static str> {
        None
    }

    /// Reads the contents of events about `subjects`. What is gone has none.
    fn load<'a>(
        &'a self,
        _conn: &'a mut MySqlConnection,
        _subjects: Vec<Uuid>,
    ) -> BoxFuture<'a, Result<HashMap<Uuid, EventContent>, sqlx::Error>> {
        async { Ok(HashMap::new()) }.boxed()
    }

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

    /// The names of all events that a webhook can ask for.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().flat_map(|(_, format)| format.names()).copied()
    }

    /// Reads what a user's stream tells of events: by subject, the name on the stream and the content. What is gone, and
    /// what the stream tells in another way, is left out.
    pub(crate) async fn read_streamed(
        &self,
        conn: &mut MySqlConnection,
        events: &[Event],
    ) -> Result<HashMap<Uuid, (&'static str, Value)>, sqlx::Error> {
        let mut streamed = HashMap::new();
        for (prefix, format) in self.0.iter() {
            let Some(name) = format.stream_name() else { continue };
            let own = events.iter().filter(|event| event.name.starts_with(prefix));
            let subjects: Vec<Uuid> = own.map(|event| event.subject).collect();
            if subjects.is_empty() {
                continue;
            }
            let contents = format.load(&mut *conn, subjects).await?;
            streamed.extend(contents.into_iter().map(|(id, one)| (id, (name, one.payload))));
        }
        Ok(streamed)
    }

    /// Finds the format of an event.
    pub(super) fn of(&self, event: &str) -> Result<&dyn EventFormat, &'static str> {
        let found = self.0.iter().find(|(prefix, _)| event.starts_with(prefix));
        found.map(|(_, format)| &**format).ok_or("no feature formats this event")
    }

    /// Reads the contents of deliveries, with one statement for each feature.
    pub(super) async fn fill(
        &self,
        conn: &mut MySqlConnection,
        deliveries: &mut [Delivery],
    ) -> Result<(), sqlx::Error> {
        for (prefix, format) in self.0.iter() {
            let mut own: Vec<&mut Delivery> =
                deliveries.iter_mut().filter(|one| one.event.starts_with(prefix)).collect();
            let subjects: Vec<Uuid> = own.iter().filter_map(|one| one.subject).collect();
            if subjects.is_empty() {
                continue;
            }
            let contents = format.load(&mut *conn, subjects).await?;
            for delivery in &mut own {
                let content = delivery.subject.and_then(|subject| contents.get(&subject));
                delivery.payload = content.map(|content| content.payload.clone());
                delivery.trace = content.and_then(|content| content.trace);
            }
        }
        Ok(())
    }
}

/// Formats `webhook.ping` and `webhook.disabled`.
#[derive(Debug)]
struct WebhookEvents;

impl EventFormat for WebhookEvents {
    // They are about the webhooks themselves: every webhook is told of them.
    fn names(&self) -> &'static [&'static str] {
        &[]
    }

    fn webhook_data(&self, delivery: &Delivery) -> Result<Value, &'static str> {
        Ok(match delivery.event.as_str() {
            PING => json!({ "webhookId": delivery.target }),
            _ => json!({ "webhookId": delivery.subject }),
        })
    }
}
