//! Breakable TCP link: a proxy on loopback in front of a server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::schedule::Breakage;

/// Timeout of connecting to the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes that a slow link forwards at a time.
const SLOW_BYTES: usize = 256;
/// Delay between two portions on a slow link.
const SLOW_PAUSE: Duration = Duration::from_millis(20);
const BUFFER_BYTES: usize = 16 * 1024;

/// Current fault of a link, if any. A half-close happens once, to the connections that are open then.
type State = Option<Breakage>;

/// Proxy in front of one server. Dropping it cuts all connections.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<State>,
    _serving: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn open(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, seen) = watch::channel(None);
        let mut serving = JoinSet::new();
        serving.spawn(accept(listener, server, seen));
        Ok(Self { address, state, _serving: serving })
    }

    pub(crate) fn break_it(&self, how: Breakage) {
        self.state.send_replace(Some(how));
    }

    pub(crate) fn mend(&self) {
        self.state.send_replace(None);
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, state: watch::Receiver<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((caller, _)) => {
                    connections.spawn(carry(caller, server, state.clone()));
                }
                // Out of descriptors: some will be given back.
                Err(_) => sleep(Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Forwards one connection, from its first byte to its last.
async fn carry(mut caller: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let now = *state.borrow_and_update();
    if now == Some(Breakage::Cut) {
        return reset(&caller);
    }
    // A stalled link takes the connection and lets it wait, as lost packets would.
    flows(&mut state).await;
    let Ok(Ok(mut server)) = timeout(CONNECT_TIMEOUT, TcpStream::connect(server)).await else {
        return reset(&caller);
    };
    for stream in [&caller, &server] {
        drop(stream.set_nodelay(true));
    }
    let mut cut = state.clone();
    let is_cut = {
        let (from_caller, to_caller) = caller.split();
        let (from_server, to_server) = server.split();
        let up = pump(from_caller, to_server, Breakage::HalfCloseToServer, state.clone());
        let down = pump(from_server, to_caller, Breakage::HalfCloseToCaller, state);
        tokio::select! {
            _ = async { tokio::join!(up, down) } => false,
            _ = cut.wait_for(|now| *now == Some(Breakage::Cut)) => true,
        }
    };
    if is_cut {
        reset(&caller);
        reset(&server);
    }
}

/// Makes the stream close with a reset when it is dropped.
fn reset(stream: &TcpStream) {
    drop(stream.set_zero_linger());
}

/// Waits while the link is stalled. (The sender lives as long as this task.)
async fn flows(state: &mut watch::Receiver<State>) {
    drop(state.wait_for(|now| *now != Some(Breakage::Stall)).await);
}

/// Forwards bytes in one direction until the end of the stream, and then the end.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    ends_at: Breakage,
    mut state: watch::Receiver<State>,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            Ok(()) = state.changed() => {
                if *state.borrow_and_update() == Some(ends_at) {
                    break;
                }
                continue;
            }
        };
        let Ok(bytes @ 1..) = read else { break };
        flows(&mut state).await;
        if write(&mut to, &buffer[..bytes], &state).await.is_err() {
            break;
        }
    }
    // An error says that the other side is gone.
    to.shutdown().await.ok();
}

async fn write(
    to: &mut WriteHalf<'_>,
    bytes: &[u8],
    state: &watch::Receiver<State>,
) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let slow = *state.borrow() == Some(Breakage::Slow);
        let (now, later) =
            rest.split_at(if slow { rest.len().min(SLOW_BYTES) } else { rest.len() });
        to.write_all(now).await?;
        rest = later;
        if slow {
            sleep(SLOW_PAUSE).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An echo server, a proxy in front of it, and a connection through the proxy.
    async fn echo() -> (Proxy, TcpStream, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    let (mut read, mut write) = stream.split();
                    drop(tokio::io::copy(&mut read, &mut write).await);
                });
            }
        });
        let proxy = Proxy::open(server).await.unwrap();
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        (proxy, stream, serving)
    }

    async fn says(stream: &mut TcpStream, text: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(text).await?;
        let mut answer = vec![0; text.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    const SOON: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_whole_link_passes_everything_on() {
        let (_proxy, mut stream, _server) = echo().await;
        assert_eq!(says(&mut stream, b"hello").await.unwrap(), b"hello");
        stream.shutdown().await.unwrap();
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the end is passed on as well");
    }

    #[tokio::test]
    async fn a_cut_link_resets_what_is_open_and_what_is_new_until_it_is_mended() {
        let (proxy, mut stream, _server) = echo().await;
        says(&mut stream, b"hello").await.unwrap();
        proxy.break_it(Breakage::Cut);
        let error = stream.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let mut new = TcpStream::connect(proxy.address).await.unwrap();
        says(&mut new, b"hello").await.unwrap_err();
        proxy.mend();
        let mut new = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(says(&mut new, b"hello").await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn a_stalled_link_takes_bytes_and_passes_them_on_once_it_is_mended() {
        let (proxy, mut stream, _server) = echo().await;
        says(&mut stream, b"hello").await.unwrap();
        proxy.break_it(Breakage::Stall);
        stream.write_all(b"later").await.unwrap();
        let mut answer = [0; 5];
        timeout(SOON, stream.read_exact(&mut answer)).await.unwrap_err();
        proxy.mend();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"later");
    }

    #[tokio::test]
    async fn a_half_closed_link_ends_one_direction_only() {
        let (proxy, mut stream, _server) = echo().await;
        says(&mut stream, b"hello").await.unwrap();
        proxy.break_it(Breakage::HalfCloseToCaller);
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "the caller sees the end");
        stream.write_all(b"still taken").await.unwrap();
    }

    #[tokio::test]
    async fn a_slow_link_takes_its_time() {
        let (proxy, mut stream, _server) = echo().await;
        proxy.break_it(Breakage::Slow);
        let began = tokio::time::Instant::now();
        says(&mut stream, &[7; SLOW_BYTES * 5]).await.unwrap();
        // Both directions pause at the same time, and no pause follows the last bytes.
        assert!(began.elapsed() >= SLOW_PAUSE * 4);
    }
}
