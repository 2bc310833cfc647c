//! HTTP front of a contender: `POST /jobs/{user}` accepts a job, `GET /events/{user}` pushes the results of a user's.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::stub::http::NoDelay;

/// Number of a user.
pub(super) type User = u32;

/// A way to accept a job; the job is durable once its id is returned.
pub(super) trait Accept: Send + Sync + 'static {
    /// Accepts a job of a user.
    fn accept(&self, user: User) -> impl Future<Output = anyhow::Result<Uuid>> + Send;
}

/// The open streams, by user. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<User, Vec<mpsc::UnboundedSender<String>>>>>);

impl Streams {
    /// Pushes a result to its user.
    pub(super) fn push(&self, user: User, id: Uuid) {
        let text = json!({ "id": id, "status": "succeeded" }).to_string();
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listeners) = streams.get_mut(&user) {
            listeners.retain(|listener| listener.send(text.clone()).is_ok());
        }
    }

    fn open(&self, user: User) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.entry(user).or_default().push(sender);
        unfold(receiver, |mut receiver| async move {
            let text = receiver.recv().await?;
            Some((Ok(Event::default().data(text)), receiver))
        })
    }
}

struct Front<A> {
    accept: A,
    streams: Streams,
}

/// Serves for ever.
pub(super) async fn serve(
    listen: SocketAddr,
    accept: impl Accept,
    streams: Streams,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await?;
    let app = Router::new()
        .route("/readyz", get(async || StatusCode::NO_CONTENT))
        .route("/jobs/{user}", post(submit))
        .route("/events/{user}", get(watch))
        .with_state(Arc::new(Front { accept, streams }));
    Ok(axum::serve(NoDelay(listener), app).await?)
}

async fn submit<A: Accept>(
    State(front): State<Arc<Front<A>>>,
    Path(user): Path<User>,
) -> Result<Response, (StatusCode, String)> {
    let id = front.accept.accept(user).await;
    let id = id.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")))?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response())
}

async fn watch<A: Accept>(
    State(front): State<Arc<Front<A>>>,
    Path(user): Path<User>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    Sse::new(front.streams.open(user))
}
