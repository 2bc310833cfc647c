//! One trace from the client's request to the analyzer, as a collector receives it.

use serde_json::json;
use sqlx::MySqlPool;
use toneup_shared::telemetry;
use toneup_testing::{RunningAnalyzer, Stack, eventually, photo};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Whether `text` is somewhere in `bytes`.
fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

#[sqlx::test(migrations = "../migrations")]
async fn request_attempt_and_analysis_are_spans_of_the_clients_trace(db: MySqlPool) {
    let collector = MockServer::start().await;
    let taken = Mock::given(method("POST")).and(path("/v1/traces"));
    taken.respond_with(ResponseTemplate::new(200)).mount(&collector).await;
    toneup_shared::tls::install();
    let endpoint = collector.uri().parse().unwrap();
    let provider = telemetry::provider("toneup-test", &endpoint).unwrap();
    tracing_subscriber::registry().with(telemetry::spans("toneup-test", &provider)).init();

    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", &analyzer.url);
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let key = guest.upload(photo("face.jpg")).await;
    let trace: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    let submit = guest
        .request(reqwest::Method::POST, "/v1/analyses")
        .header("traceparent", format!("00-{trace:032x}-00f067aa0ba902b7-01"))
        .header("prefer", "wait=50")
        .json(&json!({ "objectKey": key }));
    let ended = guest.send(submit).await.body;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let stored: String = sqlx::query_scalar("SELECT traceparent FROM analyses")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert!(stored.starts_with(&format!("00-{trace:032x}-")), "{stored}");

    // A span's parent is sent as its eight bytes: the attempt's is the request's span.
    let request = u64::from_str_radix(stored.split('-').nth(2).unwrap(), 16).unwrap();
    eventually("the spans are with the collector", async || {
        let flushing = provider.clone();
        let flushed = tokio::task::spawn_blocking(move || flushing.force_flush()).await.unwrap();
        flushed.unwrap();
        let received = collector.received_requests().await.unwrap();
        let bytes: Vec<u8> = received.into_iter().flat_map(|request| request.body).collect();
        let names = [&b"request"[..], b"attempt", b"analyze"];
        let all = names.iter().all(|name| holds(&bytes, name))
            && holds(&bytes, &trace.to_be_bytes())
            && holds(&bytes, &request.to_be_bytes());
        let bare = !holds(&bytes, b"Bearer") && !holds(&bytes, b"X-Amz-Signature");
        (all && bare).then_some(())
    })
    .await;
}
