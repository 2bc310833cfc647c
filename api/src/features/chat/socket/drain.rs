//! The end of a replica: its clients are told, and go elsewhere.

use std::time::Duration;

use serde_json::json;
use socketioxide::SocketIo;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Doors;

/// Time for events that are being handled, and for the notice.
const GRACE: Duration = Duration::from_millis(500);
/// Longest time that closing all connections may take.
const CLOSING: Duration = Duration::from_secs(5);

/// Waits for `draining`; then tells all clients, and closes their transports, whereupon they connect again. A message that
/// was not acknowledged is sent again with its client key.
pub(super) async fn run(doors: Doors, io: SocketIo, draining: CancellationToken) {
    draining.cancelled().await;
    let connections = doors.chat.hub.connections();
    for connection in &connections {
        connection.emit("draining", &json!({}));
    }
    sleep(GRACE).await;
    if timeout(CLOSING, io.close()).await.is_err() {
        tracing::warn!("some connections did not close in time");
    }
    // The server has forgotten its namespaces by now, and tells nobody that their transports are closed.
    for connection in connections.into_iter().chain(doors.chat.hub.connections()) {
        connection.end();
    }
}
