//! The stub over HTTP: the contract that the worker relies on.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot get what it needs fails, and says where"
)]

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use toneup_bench::stub::{Settings, Stub};

struct Running {
    stub: Stub,
    http: Client,
}

async fn start(settings: Settings) -> Running {
    toneup_bench::install_tls();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let stub = Stub::start(settings, any, any, None).await.unwrap();
    Running { stub, http: Client::builder().no_proxy().build().unwrap() }
}

impl Running {
    async fn analyze(&self) -> Response {
        self.try_analyze().await.unwrap()
    }

    async fn try_analyze(&self) -> reqwest::Result<Response> {
        let url = format!("http://{}/analyze-color", self.stub.address);
        self.http.post(url).body("photo").send().await
    }

    async fn control(&self, changes: Value) -> StatusCode {
        let url = format!("http://{}/control", self.stub.control);
        self.http.post(url).json(&changes).send().await.unwrap().status()
    }

    async fn stats(&self) -> Value {
        let url = format!("http://{}/stats", self.stub.control);
        self.http.get(url).send().await.unwrap().json().await.unwrap()
    }
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap().to_str().unwrap()
}

#[tokio::test]
async fn an_answer_tells_the_season_and_what_is_free() {
    let stub = start(Settings { slots: 2, service_ms: 5.0, ..Settings::default() }).await;
    let response = stub.analyze().await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!((header(&response, "x-slots"), header(&response, "x-free")), ("2", "2"));
    assert!(header(&response, "x-waited-ms").parse::<u64>().unwrap() < 1000);
    assert!(!header(&response, "x-instance").is_empty());
    let body: Value = response.json().await.unwrap();
    assert_eq!(body, json!({ "userId": 0, "personalColor": "SPRING" }));
}

#[tokio::test]
async fn the_gate_refuses_what_neither_a_slot_nor_the_line_can_take() {
    let stub = start(Settings { slots: 1, service_ms: 300.0, ..Settings::default() }).await;
    let responses = join_all((0..4).map(|_| stub.analyze())).await;
    let refused: Vec<_> =
        responses.iter().filter(|one| one.status() == StatusCode::SERVICE_UNAVAILABLE).collect();
    assert_eq!(refused.len(), 1, "one slot and two waiters");
    assert_eq!(header(refused[0], "retry-after-ms"), "900", "300 ms / 1 slot × (2 waiting + 1)");
    assert_eq!(header(refused[0], "x-slots"), "1");
    let stats = stub.stats().await;
    assert_eq!((&stats["answered"], &stats["refused"]), (&json!(3), &json!(1)));
    let busy = stats["busySlotSeconds"].as_f64().unwrap();
    assert!((0.9..1.1).contains(&busy), "{busy}");
}

#[tokio::test]
async fn without_headers_everything_is_taken_and_nothing_told() {
    let settings = Settings { slots: 1, service_ms: 20.0, headers: false, ..Settings::default() };
    let stub = start(settings).await;
    let responses = join_all((0..8).map(|_| stub.analyze())).await;
    assert!(responses.iter().all(|one| one.status() == StatusCode::OK));
    assert!(responses[0].headers().keys().all(|name| !name.as_str().starts_with("x-")));
    assert_eq!(stub.stats().await["maxInFlight"], 8);
}

#[tokio::test]
async fn a_degrading_stub_slows_down_beyond_its_slots() {
    let settings = Settings {
        slots: 1,
        service_ms: 50.0,
        headers: false,
        degrade: true,
        ..Settings::default()
    };
    let stub = start(settings).await;
    let began = Instant::now();
    join_all((0..4).map(|_| stub.analyze())).await;
    let ideal = Duration::from_millis(50).mul_f64(4.0_f64.powf(1.3));
    assert!(began.elapsed() > ideal.mul_f64(0.9), "{:?} instead of {ideal:?}", began.elapsed());
}

#[tokio::test]
async fn slots_can_be_added_while_requests_wait() {
    let stub = start(Settings { slots: 1, service_ms: 200.0, ..Settings::default() }).await;
    let began = Instant::now();
    let waiting = join_all((0..3).map(|_| stub.analyze()));
    let adding = async {
        sleep(Duration::from_millis(50)).await;
        assert_eq!(stub.control(json!({ "slots": 3 })).await, StatusCode::OK);
    };
    tokio::join!(waiting, adding);
    assert!(began.elapsed() < Duration::from_millis(500), "one by one takes 600 ms");
    assert_eq!(stub.control(json!({ "slot": 3 })).await, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_stub_that_is_down_cuts_its_connections_and_comes_back_at_the_same_address() {
    let stub = start(Settings { slots: 1, service_ms: 5000.0, ..Settings::default() }).await;
    let dying = async {
        sleep(Duration::from_millis(100)).await;
        assert_eq!(stub.control(json!({ "health": "down" })).await, StatusCode::OK);
    };
    let (cut, ()) = tokio::join!(stub.try_analyze(), dying);
    assert!(cut.is_err(), "its analyzer died");
    assert!(stub.try_analyze().await.unwrap_err().is_connect());
    assert_eq!(stub.stats().await["inFlight"], 0);

    stub.control(json!({ "health": "up", "serviceMs": 1.0 })).await;
    assert_eq!(stub.analyze().await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_hanging_stub_answers_when_it_has_recovered() {
    let stub = start(Settings { service_ms: 1.0, ..Settings::default() }).await;
    stub.control(json!({ "health": "hanging" })).await;
    let mut request = Box::pin(stub.analyze());
    assert!(timeout(Duration::from_millis(200), &mut request).await.is_err());
    stub.control(json!({ "health": "up" })).await;
    assert_eq!(request.await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_connection_belongs_to_one_lane_for_its_whole_life() {
    let settings =
        Settings { slots: 2, lanes: 2, service_ms: 50.0, headers: false, ..Settings::default() };
    let stub = start(settings).await;
    // One client with one connection is in one lane; eight connections are almost surely in both.
    for _ in 0..3 {
        stub.analyze().await;
    }
    assert_eq!(stub.stats().await["maxInFlight"], 1);
    let began = Instant::now();
    join_all((0..8).map(|_| stub.analyze())).await;
    assert!(began.elapsed() >= Duration::from_millis(200), "each lane has one slot");
}
