//! The first server's design, for comparison: a request is held until the analyzer has responded, and a semaphore of a
//! configured size bounds the calls. A job queue with a configured concurrency uses an analyzer in the same way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use reqwest::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use url::Url;

use crate::stub::http::NoDelay;

/// Largest body that is forwarded, in bytes.
const BODY_LIMIT_BYTES: usize = 12 << 20;
/// Timeout of a call of the analyzer, that of the first server.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A proxy that is bound and not yet serving.
#[derive(Debug)]
pub struct Proxy {
    /// Address that it listens on.
    pub address: SocketAddr,
    listener: TcpListener,
    app: Router,
}

#[derive(Debug)]
struct Held {
    http: reqwest::Client,
    analyzer: String,
    permits: Semaphore,
}

impl Proxy {
    /// Binds the proxy to an address; `permits` is the size of the semaphore.
    pub async fn bind(listen: SocketAddr, analyzer: &Url, permits: usize) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let held = Held {
            http: reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?,
            analyzer: format!("{}/analyze-color", analyzer.as_str().trim_end_matches('/')),
            permits: Semaphore::new(permits),
        };
        let app = Router::new()
            .route("/analyze-color", post(hold))
            .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
            .with_state(Arc::new(held));
        Ok(Self { address: listener.local_addr()?, listener, app })
    }

    /// Serves forever.
    pub async fn serve(self) -> std::io::Result<()> {
        axum::serve(NoDelay(self.listener), self.app).await
    }
}

async fn hold(State(held): State<Arc<Held>>, body: Bytes) -> Response {
    let Ok(_permit) = held.permits.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let request = held.http.post(&held.analyzer).header(CONTENT_TYPE, "image/jpeg").body(body);
    match request.send().await {
        Ok(answer) => {
            let status = answer.status();
            let body = answer.bytes().await.unwrap_or_default();
            (status, body).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
