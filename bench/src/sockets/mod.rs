//! A client of Socket.IO (protocol 5 over Engine.IO 4, WebSocket alone), with the few frames that load needs.

pub(crate) mod diary;
pub(crate) mod member;
pub(crate) mod people;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Timeout of the whole handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Size of the read buffer: thousands of connections share one process.
const READ_BUFFER: usize = 4096;

/// A packet from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    /// An event: the JSON array of its name and contents.
    Event(String),
    /// The acknowledgement of an event by its number: the JSON array of its contents.
    Ack(u64, String),
    /// The server has disconnected the namespace.
    Disconnected,
}

/// A connected socket.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    sent: u64,
    /// Contents of the answer to the connection: the socket's id, and that of a recoverable session.
    pub(crate) session: Value,
}

impl Socket {
    /// Connects to the namespace `/` with an auth payload.
    pub(crate) async fn connect(address: SocketAddr, auth: &Value) -> anyhow::Result<Self> {
        timeout(CONNECT_TIMEOUT, Self::shake_hands(address, auth)).await.context("no handshake")?
    }

    async fn shake_hands(address: SocketAddr, auth: &Value) -> anyhow::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER).write_buffer_size(0);
        let (stream, _) = client_async_with_config(url, tcp, Some(config)).await?;
        let mut socket = Self { stream, sent: 0, session: Value::Null };
        loop {
            let text = socket.frame().await?.context("closed while connecting")?;
            if text == "2" {
                // The first ping comes right away.
                socket.stream.send(Message::text("3")).await?;
            } else if text.starts_with('0') {
                socket.stream.send(Message::text(format!("40{auth}"))).await?;
            } else if let Some(session) = text.strip_prefix("40") {
                socket.session = serde_json::from_str(session)?;
                return Ok(socket);
            } else if let Some(refusal) = text.strip_prefix("44") {
                bail!("refused: {refusal}");
            }
        }
    }

    /// Sends an event that wants an acknowledgement; returns the number of the acknowledgement.
    pub(crate) async fn emit(&mut self, event: &str, contents: &Value) -> anyhow::Result<u64> {
        let number = self.sent;
        self.sent += 1;
        let name = Value::from(event);
        self.stream.send(Message::text(format!("42{number}[{name},{contents}]"))).await?;
        Ok(number)
    }

    /// Waits for the next packet, and answers pings meanwhile; `None` once the transport is closed. Safe to cancel.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<Packet>> {
        while let Some(text) = self.frame().await? {
            if text == "2" {
                self.stream.send(Message::text("3")).await?;
            } else if let Some(packet) = parse(&text) {
                return Ok(Some(packet));
            }
        }
        Ok(None)
    }

    /// Emits an event and waits for its acknowledgement; events that come first are dropped.
    pub(crate) async fn ask(&mut self, event: &str, contents: &Value) -> anyhow::Result<Value> {
        let number = self.emit(event, contents).await?;
        loop {
            match self.next().await?.context("closed before the acknowledgement")? {
                Packet::Ack(of, contents) if of == number => {
                    let mut contents: Vec<Value> = serde_json::from_str(&contents)?;
                    return Ok(contents.pop().unwrap_or_default());
                }
                Packet::Disconnected => bail!("disconnected before the acknowledgement"),
                Packet::Ack(..) | Packet::Event(_) => {}
            }
        }
    }

    /// The next frame of text; `None` at the end.
    async fn frame(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Some(text.as_str().to_owned())),
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }
}

/// Reads a frame; `None` for frames without a meaning here.
fn parse(text: &str) -> Option<Packet> {
    if let Some(event) = text.strip_prefix("42") {
        return Some(Packet::Event(event.to_owned()));
    }
    if let Some(ack) = text.strip_prefix("43") {
        let (number, contents) = ack.split_at(ack.find('[')?);
        return Some(Packet::Ack(number.parse().ok()?, contents.to_owned()));
    }
    text.starts_with("41").then_some(Packet::Disconnected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_acknowledgements_are_told_apart() {
        assert_eq!(parse(r#"42["a",1]"#), Some(Packet::Event(r#"["a",1]"#.to_owned())));
        assert_eq!(parse(r#"4317[{"seq":[1]}]"#), Some(Packet::Ack(17, r#"[{"seq":[1]}]"#.into())));
        assert_eq!(parse("41"), Some(Packet::Disconnected));
        assert_eq!((parse("2"), parse("43x[]"), parse("43")), (None, None, None));
    }
}
