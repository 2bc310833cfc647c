//! The settings of conversations.

use std::net::SocketAddr;

use serde::Deserialize;
use toneup_platform::config::{ConfigError, Section, Settings};

/// Conversations over Socket.IO.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ChatSettings {
    /// A second address that Socket.IO is served on, e.g. `0.0.0.0:8081`, which the app knows; unset: the API's alone.
    pub socket_listen: Option<SocketAddr>,
    /// Connections that one user may hold at a replica.
    pub sockets_per_user: usize,
    /// Connections that a replica holds.
    pub sockets_per_replica: usize,
}

impl Section for ChatSettings {
    const DEFAULTS: &'static str = r"
        sockets_per_user = 10
        sockets_per_replica = 20000
    ";
}

impl ChatSettings {
    /// Reads the settings.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        settings.section()
    }
}
