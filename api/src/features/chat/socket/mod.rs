//! The Socket.IO server: version 5 of the protocol and version 4, for the clients 1.x to 4.x.

mod admit;
mod answer;
mod budget;
mod doors;
mod drain;
mod guard;
mod mailbox;
mod request;
mod session;
mod sweep;
mod sync;

use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use socketioxide::SocketIo;
use socketioxide::extract::{Extension, SocketRef, TryData};
use socketioxide::handler::ConnectHandler;
use socketioxide::service::SocketIoService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::admit::{Credentials, Denied, identify};
pub(super) use self::doors::Doors;
use self::mailbox::Mailbox;
use self::session::Session;
use super::hub::Identity;

/// Largest frame, and largest body of a poll, in bytes.
const PAYLOAD_BYTES: usize = 64 * 1024;
/// Packets that wait for one client; beyond them it is cut off.
const BUFFER: usize = 256;
/// Bytes read at once: an idle connection holds no more.
const READ_BUFFER: usize = 2048;
/// Time until a transport without an identity is closed.
const CONNECT: Duration = Duration::from_secs(10);
/// Time between pings.
const PING: Duration = Duration::from_secs(25);
/// Time for their answer.
const PONG: Duration = Duration::from_secs(20);

/// The server, to be mounted on routers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SocketServer {
    service: SocketIoService<Router>,
    doors: Doors,
}

impl fmt::Debug for SocketServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SocketServer")
    }
}

impl SocketServer {
    /// The route of the server: all its transports.
    pub(crate) fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new()
            .route_service("/socket.io", self.service.clone())
            .route_service("/socket.io/", self.service.clone())
            .layer(from_fn_with_state(self.doors.clone(), guard::check))
    }
}

/// Starts the server, which ends when the process drains.
pub(super) fn open(doors: Doors, tasks: &TaskTracker, draining: CancellationToken) -> SocketServer {
    // No request reaches the inner service: the path is the server's own.
    let (service, io) = SocketIo::builder()
        .max_payload(PAYLOAD_BYTES as u64)
        .ws_max_message_size(PAYLOAD_BYTES)
        .ws_max_frame_size(PAYLOAD_BYTES)
        .ws_read_buffer_size(READ_BUFFER)
        .max_buffer_size(BUFFER)
        .connect_timeout(CONNECT)
        .ping_interval(PING)
        .ping_timeout(PONG)
        .build_with_inner_svc(Router::new());
    let admitting = doors.clone();
    let admitted = move |socket: SocketRef, TryData(auth): TryData<Credentials>| {
        let doors = admitting.clone();
        async move { admit(&doors, &socket, auth.unwrap_or_default()).await }
    };
    let (opening, session_tasks) = (doors.clone(), tasks.clone());
    let connected = move |socket: SocketRef, Extension(identity): Extension<Identity>| {
        Session::open(opening.clone(), socket, identity, session_tasks.clone())
    };
    io.ns("/", connected.with(admitted));
    tasks.spawn(sweep::run(doors.clone(), draining.clone()));
    tasks.spawn(drain::run(doors.clone(), io, draining));
    SocketServer { service, doors }
}

/// Lets a client in, or says why not.
async fn admit(doors: &Doors, socket: &SocketRef, auth: Credentials) -> Result<(), Denied> {
    match identify(doors, socket.req_parts(), auth).await {
        Ok(identity) => {
            socket.extensions.insert(identity);
            socket.extensions.insert(Mailbox::receive(socket));
            Ok(())
        }
        Err(error) => {
            tracing::debug!(%error, "a connection is refused");
            Err(Denied(error))
        }
    }
}
