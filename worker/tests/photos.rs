//! The same photo, the same answer: without a slot, while the model is the same.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Running, Stack, eventually, photo};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::jobs::{analyzer, calls, finished};

/// An analyzer that says which model it answers with, and whose answers name `model` too.
async fn analyzer_with(says: &str, model: &str) -> MockServer {
    let answer =
        json!({ "personalColor": "SUMMER", "model": { "name": "rules", "version": model } });
    let server = analyzer(&[ResponseTemplate::new(200).set_body_json(answer)]).await;
    let health = ResponseTemplate::new(200).insert_header("x-model", format!("rules/{says}"));
    Mock::given(method("GET")).respond_with(health).mount(&server).await;
    server
}

async fn start(db: MySqlPool, analyzer: &MockServer, reuse: &str) -> (Stack, Running, Running) {
    let stack = Stack::new(db).await;
    let stack = stack.with("ANALYZER_URLS", analyzer.uri()).with("PHOTO_REUSE", reuse);
    let (api, worker) = (stack.api().await, stack.worker());
    (stack, api, worker)
}

/// Uploads a photo, submits it, and waits for its end.
async fn analyze(client: &Client, photo: &[u8]) -> Value {
    let analysis = client.submit(&client.upload(photo.to_vec()).await).await;
    finished(client, &analysis).await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_photo_gets_the_same_answer_and_no_slot(db: MySqlPool) {
    let analyzer = analyzer_with("1", "1").await;
    let (_stack, api, _worker) = start(db, &analyzer, "user").await;
    let guest = api.guest().await;
    let first = analyze(&guest, b"a photo").await;
    let again = analyze(&guest, b"a photo").await;
    assert_ne!(first["id"], again["id"]);
    assert_eq!(
        (&first["result"]["reused"], &again["result"]["reused"]),
        (&json!(false), &json!(true))
    );
    let mut expected = first["result"].clone();
    expected["reused"] = json!(true);
    assert_eq!(again["result"], expected);
    assert_eq!(calls(&analyzer).await, 1);
    // A third time: what was used again is no answer of its own.
    assert_eq!(analyze(&guest, b"a photo").await["result"], expected);

    assert_eq!(analyze(&guest, b"another photo").await["result"]["reused"], false);
    assert_eq!(calls(&analyzer).await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_of_another_model_is_not_given_again(db: MySqlPool) {
    let analyzer = analyzer_with("2", "1").await;
    let (_stack, api, _worker) = start(db, &analyzer, "user").await;
    let guest = api.guest().await;
    for _ in 0..2 {
        assert_eq!(analyze(&guest, b"a photo").await["result"]["reused"], false);
    }
    assert_eq!(calls(&analyzer).await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_of_another_user_is_looked_at(db: MySqlPool) {
    let analyzer = analyzer_with("1", "1").await;
    let (_stack, api, _worker) = start(db, &analyzer, "user").await;
    for _ in 0..2 {
        assert_eq!(analyze(&api.guest().await, b"a photo").await["result"]["reused"], false);
    }
    assert_eq!(calls(&analyzer).await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn where_answers_are_shared_a_photo_of_another_user_gets_its_answer(db: MySqlPool) {
    let analyzer = analyzer_with("1", "1").await;
    let (_stack, api, _worker) = start(db, &analyzer, "all").await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    analyze(&alice, b"a photo").await;
    let again = analyze(&bob, b"a photo").await;
    assert_eq!(again["result"]["reused"], true);
    assert!(!again.to_string().contains(alice.user()), "{again}");
    assert_eq!(calls(&analyzer).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn where_nothing_is_used_again_every_photo_is_looked_at(db: MySqlPool) {
    let analyzer = analyzer_with("1", "1").await;
    let (_stack, api, _worker) = start(db, &analyzer, "off").await;
    let guest = api.guest().await;
    for _ in 0..2 {
        assert_eq!(analyze(&guest, b"a photo").await["result"]["reused"], false);
    }
    assert_eq!(calls(&analyzer).await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_that_comes_with_the_request_has_its_old_answer_at_once(db: MySqlPool) {
    let analyzer = analyzer_with("1", "1").await;
    let (_stack, api, worker) = start(db, &analyzer, "user").await;
    let guest = api.guest().await;
    let send = async || {
        let part = Part::bytes(photo("face.jpg")).file_name("me.jpg");
        let request = guest.request(Method::POST, "/v1/analyses").header("prefer", "wait=20");
        guest.send(request.multipart(Form::new().part("image", part))).await.body
    };
    let first = send().await;
    assert_eq!((&first["status"], &first["attempt"]), (&json!("succeeded"), &json!(1)));
    let mut told = guest.events("/v1/events", None).await;
    // The api learns the models within seconds; until then a worker finds the answer.
    let again = eventually("an answer without a worker", async || {
        let again = send().await;
        assert_eq!(again["result"]["reused"], true);
        (again["attempt"] == 0).then_some(again)
    })
    .await;
    assert_eq!(again["status"], "succeeded");
    told.find(|event| event["id"] == again["id"]).await;
    assert_eq!(calls(&analyzer).await, 1);
    assert!(worker.stop().await);
    assert_eq!(send().await["attempt"], 0, "no worker has to run it");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_whose_digest_s3_has_checked_has_its_old_answer_at_once(db: MySqlPool) {
    let analyzer = analyzer_with("1", "1").await;
    let (_stack, api, _worker) = start(db, &analyzer, "user").await;
    let guest = api.guest().await;
    analyze(&guest, b"a photo").await;
    let digest = "1OJNdJpP4vFhry3pE8BAKwTjrih9r9D52/pKXFbGkoU=";
    let upload = async || {
        let wanted = json!({ "contentType": "image/jpeg", "contentLength": 7, "sha256": digest });
        let upload = guest.post("/v1/uploads", wanted).await.body;
        let stored = guest.put(&upload, "image/jpeg", b"a photo".to_vec()).await;
        assert_eq!(stored, 200);
        upload["objectKey"].as_str().unwrap().to_owned()
    };
    // The api learns the models within seconds; until then a worker finds the answer.
    eventually("an answer without a worker", async || {
        let again = guest.submit(&upload().await).await;
        (again["attempt"] == 0 && again["result"]["reused"] == true).then_some(())
    })
    .await;
    assert_eq!(calls(&analyzer).await, 1);
}
