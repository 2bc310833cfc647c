//! Front: `POST /jobs/{user}`, and `GET /events/{user}` for the results.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use apalis::prelude::*;
use apalis_redis::{Config, RedisStorage};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use futures::channel::mpsc;
use futures::{Stream, StreamExt};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{Job, channel, open_database, open_queue, setting};

type Streams = Mutex<HashMap<u32, Vec<mpsc::UnboundedSender<String>>>>;

struct Front {
    queue: RedisStorage<Job>,
    streams: Streams,
}

pub async fn run() -> anyhow::Result<()> {
    let table = "CREATE TABLE IF NOT EXISTS peer_results (id CHAR(36) PRIMARY KEY, user_id INT, result JSON)";
    sqlx::query(table).execute(&open_database().await?).await?;
    let front = Arc::new(Front {
        queue: open_queue(Config::default()).await?,
        streams: Streams::default(),
    });
    let mut results = redis::Client::open(setting("REDIS_URL")?)?.get_async_pubsub().await?;
    results.subscribe(channel()?).await?;
    let relay = Arc::clone(&front);
    tokio::spawn(async move {
        let mut results = results.into_on_message();
        while let Some(message) = results.next().await {
            if let Ok(job) = serde_json::from_slice::<Job>(message.get_payload_bytes()) {
                relay.push(&job);
            }
        }
    });
    let app = Router::new()
        .route("/readyz", get(async || StatusCode::NO_CONTENT))
        .route("/jobs/{user}", post(submit))
        .route("/events/{user}", get(watch))
        .with_state(front);
    let listener = TcpListener::bind(format!("127.0.0.1:{}", setting("PORT")?)).await?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    Ok(axum::serve(listener, app).await?)
}

impl Front {
    fn push(&self, job: &Job) {
        let text = json!({ "id": job.id, "status": "succeeded" }).to_string();
        let mut streams = self.streams.lock().unwrap();
        if let Some(listeners) = streams.get_mut(&job.user) {
            listeners.retain(|listener| listener.unbounded_send(text.clone()).is_ok());
        }
    }
}

async fn submit(State(front): State<Arc<Front>>, Path(user): Path<u32>) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    match front.queue.clone().push(Job { id: id.clone(), user }).await {
        Ok(()) => (StatusCode::ACCEPTED, Json(json!({ "id": id }))).into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()).into_response(),
    }
}

async fn watch(
    State(front): State<Arc<Front>>,
    Path(user): Path<u32>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (sender, receiver) = mpsc::unbounded();
    front.streams.lock().unwrap().entry(user).or_default().push(sender);
    Sse::new(receiver.map(|text| Ok(Event::default().data(text))))
}
