//! One trace from the client's request to the analyzer and the push, as a collector receives it.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::json;
use sqlx::MySqlPool;
use toneup_platform::telemetry;
use toneup_testing::{RunningAnalyzer, Stack, eventually, photo};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// Returns true if `bytes` contains `text`.
fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// A span as the collector knows it: its name and its parent.
#[derive(Debug, PartialEq)]
struct Sent(String, u64);

/// The spans of `trace` in what was exported.
fn spans_of(trace: u128, exported: &[Request]) -> Vec<Sent> {
    let decoded = exported
        .iter()
        .map(|request| ExportTraceServiceRequest::decode(request.body.as_slice()).unwrap());
    let resources = decoded.flat_map(|request| request.resource_spans);
    let spans = resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans);
    spans
        .filter(|span| span.trace_id == trace.to_be_bytes())
        .map(|span| {
            let parent = span.parent_span_id.try_into().map(u64::from_be_bytes);
            Sent(span.name, parent.unwrap())
        })
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn request_attempt_analysis_and_push_are_spans_of_the_clients_trace(db: MySqlPool) {
    let collector = MockServer::start().await;
    let taken = Mock::given(method("POST")).and(path("/v1/traces"));
    taken.respond_with(ResponseTemplate::new(200)).mount(&collector).await;
    toneup_platform::tls::install();
    let endpoint = collector.uri().parse().unwrap();
    let provider = telemetry::provider("toneup-test", &endpoint).unwrap();
    tracing_subscriber::registry().with(telemetry::spans("toneup-test", &provider)).init();

    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", &analyzer.url);
    let stack = stack.with("WEBHOOK_ALLOWED_HOSTS", "127.0.0.0/8");
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let receiver = MockServer::start().await;
    let told = Mock::given(method("POST")).and(path("/told"));
    told.respond_with(ResponseTemplate::new(200)).mount(&receiver).await;
    let webhook = json!({ "url": format!("{}/told", receiver.uri()) });
    assert_eq!(guest.post("/v1/webhooks", webhook).await.status, 201);
    let key = guest.upload(photo("face.jpg")).await;
    let trace: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    let submit = guest
        .request(reqwest::Method::POST, "/v1/analyses")
        .header("traceparent", format!("00-{trace:032x}-00f067aa0ba902b7-01"))
        .header("prefer", "wait=50")
        .json(&json!({ "objectKey": key }));
    let ended = guest.send(submit).await.body;
    assert_eq!(ended["status"], "succeeded", "{ended}");
    let stored: String =
        sqlx::query_scalar("SELECT traceparent FROM jobs").fetch_one(&stack.pool).await.unwrap();
    assert!(stored.starts_with(&format!("00-{trace:032x}-")), "{stored}");

    // A span's parent is sent as its eight bytes: the attempt's and the push's is the request's span.
    let request = u64::from_str_radix(stored.split('-').nth(2).unwrap(), 16).unwrap();
    eventually("the spans are with the collector", async || {
        let flushing = provider.clone();
        let flushed = tokio::task::spawn_blocking(move || flushing.force_flush()).await.unwrap();
        flushed.unwrap();
        let received = collector.received_requests().await.unwrap();
        let bare = |request: &Request| {
            !holds(&request.body, b"Bearer") && !holds(&request.body, b"X-Amz-Signature")
        };
        assert!(received.iter().all(bare), "nothing secret is sent");
        let sent = spans_of(trace, &received);
        let is_sent = |name: &str| sent.iter().any(|Sent(sent, _)| sent == name);
        let is_child = |name: &str| sent.contains(&Sent(name.to_owned(), request));
        let all =
            is_sent("request") && is_sent("analyze") && is_child("attempt") && is_child("push");
        all.then_some(())
    })
    .await;
}
