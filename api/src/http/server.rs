//! Serving connections: as axum does, with bounds on a request's head besides.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::small_reads::SmallReads;

/// Longest wait for a request's head, and so for the next request on an idle connection: longer than load balancers keep
/// idle connections, so that it is they who close them.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Largest head of a request, in bytes.
const HEAD_LIMIT_BYTES: usize = 32 * 1024;
/// Longest time for which a client that is sent something takes none of it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// After a connection could not be accepted: there may be no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `draining`, then finishes the requests that are open.
pub(crate) async fn run(listener: TcpListener, app: Router, draining: CancellationToken) {
    let connections = TaskTracker::new();
    while let Some(accepted) = draining.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let serving = serve(undelayed(stream), peer, app.clone(), draining.clone());
                connections.spawn(serving);
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::error!(%error, "cannot accept a connection");
                draining.run_until_cancelled(sleep(ACCEPT_PAUSE)).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Returns true if the client disconnected before its connection was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(error.kind(), E::ConnectionRefused | E::ConnectionAborted | E::ConnectionReset)
}

/// Without `TCP_NODELAY` an event waits 40 ms for nothing.
fn undelayed(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    stream
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    peer: SocketAddr,
    app: Router,
    draining: CancellationToken,
) {
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(WRITE_TIMEOUT));
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().call(request.map(Body::new))
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_LIMIT_BYTES)
            .serve_connection(TokioIo::new(SmallReads::new(stream)), service)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended");
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use bytes::Bytes;
    use futures_util::stream::repeat_with;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_stalls_is_dropped_and_a_slow_one_is_not() {
        let endless = || repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[b'x'; 1024])));
        let app = Router::new().route("/", get(async move || Body::from_stream(endless())));
        let (mut client, server) = duplex(4096);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let tasks = TaskTracker::new();
        let serving = tasks.spawn(serve(server, peer, app, CancellationToken::new()));
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut some = [0; 512];
        for _ in 0..20 {
            client.read_exact(&mut some).await.unwrap();
            sleep(Duration::from_secs(20)).await;
        }
        let stalled = Instant::now();
        serving.await.unwrap();
        assert!(stalled.elapsed() <= WRITE_TIMEOUT, "{:?}", stalled.elapsed());
    }
}
