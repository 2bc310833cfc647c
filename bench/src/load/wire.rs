//! A client that costs little: one connection that is kept open, for measurements of thousands of requests a second on the
//! machine that serves them.

use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Longest wait for an answer: longer than any that the API gives.
const PATIENCE: Duration = Duration::from_secs(35);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body, if the status is a success.
    pub(crate) fn success(self) -> anyhow::Result<Value> {
        let text = String::from_utf8_lossy(&self.body);
        anyhow::ensure!(self.status.is_success(), "{}: {text}", self.status);
        Ok(self.json())
    }
}

/// A connection to one address, made when it is needed.
#[derive(Debug)]
pub(crate) struct Wire {
    address: String,
    open: Option<SendRequest<Full<Bytes>>>,
    connections: TaskTracker,
}

impl Wire {
    /// Prepares a connection to `base`, e.g. `http://127.0.0.1:8080`.
    pub(crate) fn new(base: &str) -> Self {
        let address = base.trim_start_matches("http://").to_owned();
        Self { address, open: None, connections: TaskTracker::new() }
    }

    /// Sends a request and reads its answer. After an error the next request makes a new connection.
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let asked = timeout(PATIENCE, self.exchange(method, path, token, body)).await;
        let asked = asked.context("no answer").flatten();
        if asked.is_err() {
            self.open = None;
        }
        asked
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Reply> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.address)
            .header(AUTHORIZATION, format!("Bearer {token}"));
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let bytes = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = request.body(Full::from(bytes))?;
        let sender = match self.open.take() {
            Some(sender) if !sender.is_closed() => self.open.insert(sender),
            _ => {
                let stream = TcpStream::connect(&self.address).await?;
                stream.set_nodelay(true)?;
                let (sender, connection) = handshake(TokioIo::new(stream)).await?;
                // Ends with the connection.
                self.connections.spawn(connection);
                self.open.insert(sender)
            }
        };
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        Ok(Reply { status, body: answer.into_body().collect().await?.to_bytes() })
    }
}
