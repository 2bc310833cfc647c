//! A running stub: the analyzer's port, which can go down, and the control port, which cannot.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, oneshot};
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::calls::CallLog;
use super::http::{Lane, NoDelay, control_routes, routes};
use super::{Health, Settings, Shared};

/// Most attempts to bind a port that is just being released, 10 ms apart.
const BIND_ATTEMPTS: u32 = 200;

/// A stub analyzer that serves until it is dropped.
#[derive(Debug)]
pub struct Stub {
    /// Address of the analyzer's port.
    pub address: SocketAddr,
    /// Address of the control port.
    pub control: SocketAddr,
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

/// State of the control port's routes.
#[derive(Debug, Clone)]
struct Controlled {
    shared: Arc<Shared>,
    address: SocketAddr,
    port: Arc<Mutex<Option<Port>>>,
}

/// The analyzer's port with a runtime of its own: ending that is the one way to cut every connection at once, as the
/// death of a process does.
#[derive(Debug)]
struct Port(Option<Runtime>);

impl Drop for Port {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Stub {
    /// Starts a stub; port 0 selects a free one. Calls are logged to `calls`, if given.
    pub async fn start(
        settings: Settings,
        listen: SocketAddr,
        control: SocketAddr,
        calls: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let shared = Shared::new(settings, calls.map(CallLog::open).transpose()?);
        let (port, address) = open(&shared, listen).await?;
        let listener = TcpListener::bind(control).await.context("binding the control port")?;
        let control = listener.local_addr()?;
        let port = Arc::new(Mutex::new(Some(port)));
        let controlled = Controlled { shared: Arc::clone(&shared), address, port };
        if settings.health == Health::Down {
            controlled.port.lock().await.take();
        }
        let app = Router::new()
            .route("/control", post(change))
            .with_state(controlled)
            .merge(control_routes(Arc::clone(&shared)));
        let tasks = TaskTracker::new();
        tasks.spawn(async move { axum::serve(listener, app).await });
        Ok(Self { address, control, shared, tasks })
    }

    /// Accepts nothing more and waits until the requests inside are answered, `grace` at most.
    pub async fn drain(&self, grace: Duration) {
        let settings = self.shared.lock().settings;
        self.shared.apply(Settings { health: Health::Refusing, ..settings });
        let give_up = Instant::now() + grace;
        while self.shared.lock().usage().0 > 0 && Instant::now() < give_up {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Serves forever.
    pub async fn serve(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Binds the analyzer's port and serves on it.
async fn open(shared: &Arc<Shared>, listen: SocketAddr) -> anyhow::Result<(Port, SocketAddr)> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (bound, address) = oneshot::channel();
    let app = routes(Arc::clone(shared));
    runtime.spawn(async move {
        let listener = match bind(listen).await {
            Ok(listener) => listener,
            Err(error) => return drop(bound.send(Err(error))),
        };
        drop(bound.send(listener.local_addr()));
        let service = app.into_make_service_with_connect_info::<Lane>();
        drop(axum::serve(NoDelay(listener), service).await);
    });
    let port = Port(Some(runtime));
    let address = address.await.context("the port's runtime ended")?;
    Ok((port, address.with_context(|| format!("binding {listen}"))?))
}

async fn bind(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let mut attempt = 0;
    loop {
        match TcpListener::bind(listen).await {
            Err(_) if attempt < BIND_ATTEMPTS => attempt += 1,
            bound => return bound,
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Changes the given settings and keeps the others.
async fn change(
    State(controlled): State<Controlled>,
    Json(changes): Json<Value>,
) -> Result<Json<Settings>, (StatusCode, String)> {
    let refuse = |error: String| (StatusCode::UNPROCESSABLE_ENTITY, error);
    let mut port = controlled.port.lock().await;
    let current = controlled.shared.lock().settings;
    let settings = merge(current, changes).map_err(|error| refuse(error.to_string()))?;
    controlled.shared.apply(settings);
    if settings.health == Health::Down {
        port.take();
    } else if port.is_none() {
        let opened = open(&controlled.shared, controlled.address).await;
        *port = Some(opened.map_err(|error| refuse(format!("{error:#}")))?.0);
    }
    Ok(Json(settings))
}

fn merge(current: Settings, changes: Value) -> anyhow::Result<Settings> {
    let mut settings = serde_json::to_value(current)?;
    let (Some(settings_map), Value::Object(changes)) = (settings.as_object_mut(), changes) else {
        anyhow::bail!("expected an object of settings");
    };
    settings_map.extend(changes);
    let settings: Settings = serde_json::from_value(settings)?;
    anyhow::ensure!(settings.slots > 0, "slots: expected at least 1");
    anyhow::ensure!(settings.lanes > 0, "lanes: expected at least 1");
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_named_changes() {
        let settings = merge(Settings::default(), json!({ "slots": 8 })).unwrap();
        assert_eq!(settings, Settings { slots: 8, ..Settings::default() });
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for changes in [json!({ "slot": 8 }), json!({ "slots": 0 }), json!([])] {
            assert!(merge(Settings::default(), changes.clone()).is_err(), "{changes}");
        }
    }
}
