//! The main job through every real component: api, RabbitMQ, worker, S3, analyzer, database, Redis, events.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::json;
use sqlx::MySqlPool;
use toneup_testing::{DEAD_QUEUE, JOBS_QUEUE, RunningAnalyzer, Stack, eventually, photo};

#[sqlx::test(migrations = "../migrations")]
async fn the_photo_of_a_face_becomes_a_season_pushed_to_the_client(db: MySqlPool) {
    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", &analyzer.url);
    let (api, worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let mut all = guest.events("/v1/events", None).await;

    let key = guest.upload(photo("face.jpg")).await;
    let analysis = guest.submit(&key).await;
    let path = format!("/v1/analyses/{}/events", analysis["id"].as_str().unwrap());
    let (id, done) =
        guest.events(&path, None).await.find(|analysis| analysis["finishedAt"].is_string()).await;

    assert_eq!(
        (id.as_str(), &done["status"], &done["attempt"]),
        ("1", &json!("succeeded"), &json!(1))
    );
    let result = &done["result"];
    let seasons = ["SPRING", "SUMMER", "AUTUMN", "WINTER"];
    assert!(seasons.contains(&result["personalColor"].as_str().unwrap()), "{result}");
    assert!(result["palette"].as_array().unwrap().len() >= 8, "{result}");
    assert!((0.0..=1.0).contains(&result["confidence"].as_f64().unwrap()), "{result}");
    let (id, told) = all.find(|event| event["finishedAt"].is_string()).await;
    assert_eq!((id.as_str(), &told["result"]), ("1", result));
    eventually("the message is acknowledged", async || {
        (stack.messages_in(JOBS_QUEUE).await? == 0).then_some(())
    })
    .await;
    assert!(worker.stop().await, "the worker drained");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_without_a_face_is_an_error_and_no_season(db: MySqlPool) {
    let analyzer = RunningAnalyzer::start().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", &analyzer.url);
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let image = Part::bytes(photo("no-face.jpg")).file_name("me.jpg");
    let request = guest
        .request(Method::POST, "/v1/analyses")
        .header("prefer", "wait=30")
        .header("accept-language", "ko-KR,ko;q=0.9,en;q=0.8")
        .multipart(Form::new().part("image", image));
    let answer = guest.send(request).await;

    assert_eq!((answer.status.as_u16(), answer.header("preference-applied")), (200, "wait=30"));
    assert_eq!(answer.body["status"], "failed");
    assert_eq!(answer.body["error"]["code"], "NO_FACE");
    assert_eq!(answer.body["error"]["retryable"], false);
    assert_eq!(answer.body["result"], json!(null));
    assert_eq!(answer.body["advice"][0]["title"], "얼굴을 찾지 못함");
    let read = guest.get(&format!("/v1/analyses/{}", answer.body["id"].as_str().unwrap())).await;
    assert_eq!(read.body["advice"][0]["title"], "No face found");
    eventually("nothing was dead-lettered", async || {
        (stack.messages_in(DEAD_QUEUE).await? == 0).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_that_was_never_uploaded_fails_at_once(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    let path = format!("/v1/analyses/{}?wait=20", analysis["id"].as_str().unwrap());
    let done = guest.get(&path).await.body;
    assert_eq!((&done["error"]["code"], &done["attempt"]), (&json!("IMAGE_MISSING"), &json!(1)));
}
