//! Answers to events: by ack where the client wants one, and errors otherwise by the event `error`.

use std::convert::Infallible;
use std::sync::Arc;

use serde::Serialize;
use socketioxide::adapter::LocalAdapter;
use socketioxide::extract::AckSender;
use socketioxide::handler::{FromMessageParts, Value};
use socketioxide::socket::Socket;

use crate::features::chat::hub::{Connection, Trouble};
use crate::http::problem::ApiError;

/// Whether a client wants an ack of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WantsAck(pub(super) bool);

impl FromMessageParts<LocalAdapter> for WantsAck {
    type Error = Infallible;

    fn from_message_parts(
        _: &Arc<Socket<LocalAdapter>>,
        _: &mut Value,
        ack: &Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self(ack.is_some()))
    }
}

/// The way back to the sender of an event.
pub(super) struct Reply {
    pub(super) ack: AckSender,
    pub(super) wanted: WantsAck,
}

impl Reply {
    /// Acknowledges.
    pub(super) fn done<T: Serialize + ?Sized>(self, data: &T) {
        if let Err(error) = self.ack.send(data) {
            tracing::debug!(%error, "cannot acknowledge");
        }
    }

    /// Refuses.
    pub(super) fn failed(self, connection: &Arc<Connection>, error: &ApiError) {
        let trouble = trouble(error);
        if self.wanted.0 {
            self.done(&trouble);
        } else {
            connection.emit("error", &trouble);
        }
    }
}

/// An error as clients are told it.
pub(super) fn trouble(error: &ApiError) -> Trouble {
    match error {
        ApiError::Internal(cause) => tracing::error!("{cause:#}"),
        ApiError::Unavailable(cause) => tracing::warn!("{cause:#}"),
        error => tracing::debug!(%error, "refused"),
    }
    let code = match error {
        ApiError::TokenExpired => "token_expired",
        error => error.kind().code,
    };
    Trouble { code, message: error.to_string() }
}
