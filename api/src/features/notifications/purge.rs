//! Retention: events, deliveries and attempts are deleted after their time.

use std::time::Duration;

use toneup_notify::{events, purge};

use super::settings::NotificationsSettings;
use crate::http::purge::Purge;

/// The retention rules of notifications.
pub fn purges(settings: &NotificationsSettings) -> Vec<Purge> {
    vec![
        purge_events(settings.event_retention),
        purge_deliveries(settings.retention),
        purge_callbacks(settings.retention),
    ]
}

/// Events, which clients replay when they reconnect. What they are about stays.
fn purge_events(retention: Duration) -> Purge {
    Purge::new("events", move |conn, most| Box::pin(events::purge(conn, retention, most)))
}

/// Deliveries and their attempts.
fn purge_deliveries(retention: Duration) -> Purge {
    Purge::new("push_deliveries", move |conn, most| Box::pin(purge::purge(conn, retention, most)))
}

/// The targets of submits that named a URL.
fn purge_callbacks(retention: Duration) -> Purge {
    Purge::new("push_targets", move |conn, most| {
        Box::pin(purge::purge_callbacks(conn, retention, most))
    })
}
