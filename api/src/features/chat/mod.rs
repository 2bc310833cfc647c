//! Conversations: rooms, messages, what was read, over HTTP and Socket.IO.

mod content;
mod export;
mod hints;
mod hub;
mod legacy;
mod metrics;
mod model;
mod notifier;
#[cfg(test)]
mod plans;
mod purge;
mod refusal;
mod routes;
mod service;
mod settings;
mod socket;
mod socket_events;
mod start;
mod state;
mod store;
mod unread;
mod view;
mod words;
mod writer;

pub(crate) use self::export::exports;
pub(crate) use self::legacy::{KOREA, LegacyMessage, LegacyRoom};
pub(crate) use self::metrics::METRICS;
pub(crate) use self::model::{RoomId, Seq};
pub(crate) use self::purge::purges;
pub use self::refusal::PROBLEMS;
pub(crate) use self::routes::routes;
pub use self::settings::ChatSettings;
pub(crate) use self::socket::SocketServer;
pub(crate) use self::start::{Dependencies, start};
pub use self::state::ChatState;
pub(crate) use self::store::report::{Reportable, find_reportable, remove_message};
