//! HTTP interface of the stub: `POST /analyze-color` as in the contract, and the control interface.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::{IncomingStream, Listener};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::calls::trace_id;
use super::record::{Answered, Sample};
use super::visit::{Told, Visit};
use super::{Settings, Shared, misbehaviour};

/// Largest body that is read, in bytes.
const BODY_LIMIT_BYTES: usize = 12 << 20;

/// Process that a connection belongs to: drawn once, when it is accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lane(usize);

impl Connected<IncomingStream<'_, NoDelay>> for Lane {
    fn connect_info(_: IncomingStream<'_, NoDelay>) -> Self {
        Self(usize::from(rand::random::<u16>()))
    }
}

/// A listener whose connections have `TCP_NODELAY`: without it a response may be delayed by 40 ms.
#[derive(Debug)]
pub(crate) struct NoDelay(pub(crate) TcpListener);

impl Listener for NoDelay {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Only a connection that is gone already refuses.
        drop(stream.set_nodelay(true));
        (stream, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Routes of the analyzer's port.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/analyze-color", post(analyze_color))
        .route("/healthz", get(async || StatusCode::OK))
        .route("/readyz", get(async || Json(json!({ "status": "ready" }))))
        .with_state(shared)
}

async fn analyze_color(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(Lane(lane)): ConnectInfo<Lane>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let arrived_ms = shared.clock.now_ms();
    let trace_id = trace_id(&headers);
    shared.log(&trace_id, false);
    // Read whole before anything is said: a client that is answered while it sends may see a broken connection.
    let Ok(body) = to_bytes(body, BODY_LIMIT_BYTES).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut hanging = shared.hanging.subscribe();
    if hanging.wait_for(|hanging| !hanging).await.is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let Settings { headers, health, .. } = shared.lock().settings;
    if let Some(wrong) = misbehaviour::answer(health) {
        return wrong;
    }
    let mut visit = match Visit::enter(&shared, lane, arrived_ms) {
        Ok(visit) => visit,
        Err(pause_ms) => return overloaded(&shared, lane, pause_ms),
    };
    visit.work().await;
    let told = visit.finish();
    shared.log(&trace_id, true);
    let answer = json!({ "userId": user_id(&body), "personalColor": "SPRING" });
    let mut response = Json(answer).into_response();
    if headers {
        tell(&mut response, &shared, told);
    }
    response
}

fn overloaded(shared: &Shared, lane: usize, pause_ms: f64) -> Response {
    let problem = json!({ "title": "Overloaded", "status": 503, "code": "OVERLOADED" });
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(problem)).into_response();
    set(&mut response, "retry-after-ms", &format!("{pause_ms:.0}"));
    set(&mut response, "retry-after", &format!("{:.0}", (pause_ms / 1e3).ceil()));
    let core = shared.lock();
    let (slots, _) = core.settings.lane_size();
    let free = core.lines[lane % core.settings.lanes.max(1)].free();
    drop(core);
    tell(&mut response, shared, Told { slots, free, waited_ms: 0.0, idle_ms: 0.0 });
    response
}

fn tell(response: &mut Response, shared: &Shared, told: Told) {
    set(response, "x-slots", &told.slots.to_string());
    set(response, "x-free", &told.free.to_string());
    set(response, "x-waited-ms", &format!("{:.0}", told.waited_ms));
    set(response, "x-idle-ms", &format!("{:.1}", told.idle_ms));
    set(response, "x-instance", &shared.instance);
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}

/// Value of the form's `user_id`, which the original server returns; 0 in a raw body.
fn user_id(body: &Bytes) -> u64 {
    const NAME: &[u8] = b"name=\"user_id\"";
    // The text parts come first: a photo is not searched.
    let head = &body[..body.len().min(2048)];
    let Some(at) = head.windows(NAME.len()).position(|window| window == NAME) else { return 0 };
    let digits = head[at + NAME.len()..].iter().skip_while(|byte| b"\r\n".contains(byte));
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// Parts of the record that are requested.
#[derive(Debug, Deserialize)]
struct StatsQuery {
    #[serde(default)]
    series: bool,
}

/// Record of the stub since its last reset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Time of the stub's clock, in milliseconds since 1970.
    pub now_ms: f64,
    /// Number of slots.
    pub slots: usize,
    /// Mean time of one photo on an unloaded slot, in milliseconds.
    pub service_ms: f64,
    /// Number of requests inside.
    pub in_flight: usize,
    /// Most requests inside at once.
    pub max_in_flight: usize,
    /// Number of busy slots.
    pub busy: usize,
    /// Integral of busy slots over time, in seconds.
    pub busy_slot_seconds: f64,
    /// Number of photos answered.
    pub answered: usize,
    /// Number of requests refused with 503.
    pub refused: u64,
    /// Number of requests whose client disconnected.
    pub abandoned: u64,
    /// Changes of state, if requested.
    #[serde(default)]
    pub samples: Vec<Sample>,
    /// Answered photos, if requested.
    #[serde(default)]
    pub answers: Vec<Answered>,
}

pub(super) fn get_stats(shared: &Shared, series: bool) -> Stats {
    let mut core = shared.lock();
    let now_ms = shared.clock.now_ms();
    core.note(now_ms);
    let (in_flight, busy) = core.usage();
    let record = &core.record;
    Stats {
        now_ms,
        slots: core.settings.slots,
        service_ms: core.settings.service_ms,
        in_flight,
        max_in_flight: record.max_in_flight,
        busy,
        busy_slot_seconds: record.busy_slot_seconds,
        answered: record.answers.len(),
        refused: record.refused,
        abandoned: record.abandoned,
        samples: if series { record.samples.clone() } else { Vec::new() },
        answers: if series { record.answers.clone() } else { Vec::new() },
    }
}

/// Routes of the control port besides `POST /control`: it responds while the analyzer's own port is down.
pub(super) fn control_routes(shared: Arc<Shared>) -> Router {
    let stats = async |State(shared): State<Arc<Shared>>, Query(query): Query<StatsQuery>| {
        Json(get_stats(&shared, query.series))
    };
    let reset = async |State(shared): State<Arc<Shared>>| {
        shared.reset();
        StatusCode::NO_CONTENT
    };
    Router::new().route("/stats", get(stats)).route("/reset", post(reset)).with_state(shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_id_is_read_from_the_form() {
        let form = "--x\r\nContent-Disposition: form-data; name=\"user_id\"\r\n\r\n42\r\n--x\r\n";
        assert_eq!(user_id(&Bytes::from(form)), 42);
        assert_eq!(user_id(&Bytes::from_static(b"\xff\xd8\xff")), 0);
    }
}
