//! Outcomes of jobs, for every behaviour of the analyzer.

use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, DEAD_QUEUE, EXCHANGE, JOBS_KEY, JOBS_QUEUE, Stack, eventually};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// An analyzer that gives `answers` in turn, and the last one from then on.
pub(crate) async fn analyzer(answers: &[ResponseTemplate]) -> MockServer {
    let server = MockServer::start().await;
    for (turn, answer) in answers.iter().enumerate() {
        let last = turn + 1 == answers.len();
        let mock = Mock::given(method("POST")).respond_with(answer.clone());
        let mock = if last { mock } else { mock.up_to_n_times(1) };
        mock.with_priority(u8::try_from(turn + 1).unwrap()).mount(&server).await;
    }
    server
}

pub(crate) fn season() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "userId": 0, "personalColor": "SUMMER" }))
}

pub(crate) async fn finished(client: &Client, analysis: &Value) -> Value {
    let path = format!("/v1/analyses/{}?wait=30", analysis["id"].as_str().unwrap());
    let read = client.get(&path).await.body;
    assert!(read["finishedAt"].is_string(), "{read}");
    read
}

/// Photos that the analyzer was sent.
pub(crate) async fn calls(analyzer: &MockServer) -> usize {
    let requests = analyzer.received_requests().await.unwrap();
    requests.iter().filter(|request| request.method.as_str() == "POST").count()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failed_attempt_is_repeated_after_a_pause(db: MySqlPool) {
    let broken = ResponseTemplate::new(500).insert_header("retry-after-ms", "100");
    let analyzer = analyzer(&[broken, season()]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    let done = finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(2)));
    assert_eq!(calls(&analyzer).await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_fails_when_its_attempts_are_used(db: MySqlPool) {
    let broken = ResponseTemplate::new(500).insert_header("retry-after-ms", "50");
    let analyzer = analyzer(&[broken]).await;
    let stack =
        Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri()).with("JOB_MAX_ATTEMPTS", "2");
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    let done = finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("failed"), &json!(2)));
    assert_eq!(done["error"]["code"], "ANALYZER_FAILED");
    assert_eq!(done["error"]["retryable"], true);
    assert_eq!(calls(&analyzer).await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_overloaded_analyzer_costs_no_attempt(db: MySqlPool) {
    let busy = ResponseTemplate::new(503).insert_header("retry-after-ms", "50");
    let analyzer = analyzer(&[busy.clone(), busy, season()]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    let done = finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_message_that_comes_twice_is_worked_on_once(db: MySqlPool) {
    let analyzer = analyzer(&[season().set_delay(Duration::from_millis(300))]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let api = stack.api().await;
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    let message = json!({ "jobId": analysis["id"], "kind": "analysis", "attempt": 0 });
    for _ in 0..5 {
        publish(&stack, &serde_json::to_vec(&message).unwrap()).await;
    }
    let (_one, _two) = (stack.worker(), stack.worker());
    assert_eq!(finished(&guest, &analysis).await["attempt"], 1);
    drained(&stack).await;
    assert_eq!(calls(&analyzer).await, 1);
    let outcomes: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(&stack.pool).await.unwrap();
    assert_eq!(outcomes, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_unreadable_message_is_dead_lettered_and_blocks_no_other(db: MySqlPool) {
    let analyzer = analyzer(&[season()]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let (api, _worker) = (stack.api().await, stack.worker());
    publish(&stack, b"{\"jobId\": 7}").await;
    publish(
        &stack,
        br#"{"jobId":"0198c0de-0000-7000-8000-000000000000","kind":"analysis","attempt":0}"#,
    )
    .await;
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    assert_eq!(finished(&guest, &analysis).await["status"], "succeeded");
    eventually("the poison is among the dead letters", async || {
        let letters = "SELECT source, reason, job_id IS NULL FROM dead_letters";
        let letter: (String, String, bool) =
            sqlx::query_as(letters).fetch_optional(&stack.pool).await.unwrap()?;
        assert_eq!(letter, ("broker".to_owned(), "REJECTED".to_owned(), true));
        (stack.messages_in(DEAD_QUEUE).await? == 0).then_some(())
    })
    .await;
    drained(&stack).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hundred_jobs_on_two_workers_each_end_once(db: MySqlPool) {
    let analyzer = analyzer(&[season()]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let (api, _one, _two) = (stack.api().await, stack.worker(), stack.worker());
    let guest = api.guest().await;
    let key = guest.upload(b"photo".to_vec()).await;
    let submits = (0..100).map(|_| guest.submit(&key));
    futures_util::future::join_all(submits).await;
    let mut events = guest.events("/v1/events", Some("0")).await;
    for sequence in 1..=100 {
        let (id, _) = events.find(|analysis| analysis["finishedAt"].is_string()).await;
        assert_eq!(id, sequence.to_string(), "dense and in order");
    }
    assert_eq!(calls(&analyzer).await, 100);
}

/// Publishes a message as anyone with access to the broker could.
async fn publish(stack: &Stack, payload: &[u8]) {
    let broker =
        Connection::connect(stack.amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = broker.create_channel().await.unwrap();
    let properties = BasicProperties::default();
    let options = BasicPublishOptions::default();
    channel
        .basic_publish(EXCHANGE.into(), JOBS_KEY.into(), options, payload, properties)
        .await
        .unwrap();
    broker.close(200, "done".into()).await.unwrap();
}

async fn drained(stack: &Stack) {
    eventually("every message is settled", async || {
        (stack.messages_in(JOBS_QUEUE).await? == 0).then_some(())
    })
    .await;
}
