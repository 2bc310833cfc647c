//! Outages of services, and loss of workers.

use std::time::Duration;

use serde_json::json;
use sqlx::MySqlPool;
use toneup_testing::{Stack, eventually};
use wiremock::ResponseTemplate;

use crate::jobs::{analyzer, calls, finished, season};

#[sqlx::test(migrations = "../migrations")]
async fn an_analyzer_that_is_away_costs_no_attempt_and_is_found_when_it_returns(db: MySqlPool) {
    // A port that nothing listens on yet.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let stack = Stack::new(db).await.with("ANALYZER_URLS", format!("http://{address}"));
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    eventually("the job runs", async || {
        let path = format!("/v1/analyses/{}", analysis["id"].as_str().unwrap());
        (guest.get(&path).await.body["status"] == "running").then_some(())
    })
    .await;
    let listener = std::net::TcpListener::bind(address).unwrap();
    let server = wiremock::MockServer::builder().listener(listener).start().await;
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(season()).mount(&server).await;
    let done = finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_that_ends_finishes_what_runs(db: MySqlPool) {
    let analyzer = analyzer(&[season().set_delay(Duration::from_millis(800))]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let (api, worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    eventually("the call is made", async || (calls(&analyzer).await > 0).then_some(())).await;
    assert!(worker.stop().await, "drained");
    let path = format!("/v1/analyses/{}", analysis["id"].as_str().unwrap());
    assert_eq!(guest.get(&path).await.body["status"], "succeeded");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_that_ends_hands_back_what_it_waits_with(db: MySqlPool) {
    let busy = ResponseTemplate::new(503).insert_header("retry-after-ms", "5000");
    let analyzer = analyzer(&[busy, season()]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let (api, first) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    eventually("the analyzer says that it is busy", async || {
        (calls(&analyzer).await > 0).then_some(())
    })
    .await;
    assert!(first.stop().await, "drained");
    let _second = stack.worker();
    let done = finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_handed_back_keeps_its_place_before_the_backlog(db: MySqlPool) {
    let busy = ResponseTemplate::new(503).insert_header("retry-after-ms", "30000");
    let analyzer = analyzer(&[busy, season()]).await;
    let stack = Stack::new(db.clone()).await.with("ANALYZER_URLS", analyzer.uri());
    let (api, first) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let mut all = Vec::new();
    for photo in 0..6_u8 {
        all.push(guest.submit(&guest.upload(vec![photo; 9]).await).await);
        if photo == 0 {
            eventually("the first waits", async || (calls(&analyzer).await > 0).then_some(()))
                .await;
        }
    }
    assert!(first.stop().await, "drained");
    let _second = stack.worker();
    for analysis in &all {
        assert_eq!(finished(&guest, analysis).await["attempt"], json!(1));
    }
    let order = "SELECT id FROM jobs WHERE kind = 'analysis' ORDER BY finished_at";
    let order: Vec<uuid::Uuid> = sqlx::query_scalar(order).fetch_all(&db).await.unwrap();
    let turn = order.iter().position(|id| json!(id) == all[0]["id"]).unwrap();
    // The first worker's window held three.
    assert!(turn < 3, "the deploy cost it its turn: it was number {}", turn + 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_job_that_waits_longer_than_a_message_may_be_held_is_queued_anew_and_loses_no_attempt(
    db: MySqlPool,
) {
    let busy = ResponseTemplate::new(503).insert_header("retry-after-ms", "2500");
    let analyzer = analyzer(&[busy.clone(), busy, season()]).await;
    let stack = Stack::new(db.clone())
        .await
        .with("ANALYZER_URLS", analyzer.uri())
        .with("JOB_HOLD_LIMIT", "1s");
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    let done = finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)));
    let held = "SELECT COUNT(*) FROM job_transitions WHERE transition = 'handed_back'";
    let times: i64 = sqlx::query_scalar(held).fetch_one(&db).await.unwrap();
    assert!(times >= 3, "handed back {times} times in five seconds of a limit of one");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_job_of_a_worker_that_vanished_is_done_by_another(db: MySqlPool) {
    let stuck = season().set_delay(Duration::from_mins(1));
    let analyzer = analyzer(&[stuck, season()]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri()).with("JOB_LEASE", "1s");
    let api = stack.api().await;
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;

    // A worker on a runtime of its own that ends without a word, as a killed process does.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let vanishing = {
        let _entered = runtime.enter();
        stack.worker()
    };
    eventually("it has the job", async || (calls(&analyzer).await > 0).then_some(())).await;
    runtime.shutdown_background();
    drop(vanishing);

    let _other = stack.worker();
    let done = finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(2)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_submit_that_was_never_published_is_found_by_the_sweep(db: MySqlPool) {
    let analyzer = analyzer(&[season()]).await;
    let stack = Stack::new(db)
        .await
        .with("ANALYZER_URLS", analyzer.uri())
        .with("JOB_PUBLISH_GRACE", "300ms");
    let amqp = stack.amqp_url().to_owned();
    let stack = stack.with("AMQP_URL", "amqp://127.0.0.1:1");
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;

    let stack = stack.with("AMQP_URL", amqp);
    let (api, _worker) = (stack.api().await, stack.worker());
    let mut same = api.anonymous();
    same.session = guest.session.clone();
    assert_eq!(finished(&same, &analysis).await["status"], "succeeded");
}
