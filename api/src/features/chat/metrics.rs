//! The metrics of conversations.

use toneup_platform::metrics::Kind::{Counter, Gauge};
use toneup_platform::metrics::{Metric, REQUEST};

/// The metrics of conversations.
pub(crate) const METRICS: &[Metric] = &[
    ("toneup_chat_connections", Gauge, "connections that clients hold open"),
    ("toneup_chat_cuts_total", Counter, "connections that were cut off, by reason"),
    ("toneup_chat_send_seconds", REQUEST, "from a message's arrival to its commit"),
    ("toneup_chat_delivery_seconds", REQUEST, "from a message's time to its sending to the room"),
];
