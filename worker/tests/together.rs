//! Several photos of one person in one analysis: one call for each, one result of all.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_platform::objects::ObjectError;
use toneup_testing::{Client, Stack, eventually};
use wiremock::{MockServer, ResponseTemplate};

use crate::jobs::{analyzer, calls, finished};

/// An answer with these likelihoods of spring, summer, autumn and winter.
fn seen(season: &str, [spring, summer, autumn, winter]: [f64; 4]) -> ResponseTemplate {
    let confidence = spring.max(summer).max(autumn).max(winter);
    ResponseTemplate::new(200).set_body_json(json!({
        "personalColor": season,
        "confidence": confidence,
        "probabilities": { "SPRING": spring, "SUMMER": summer, "AUTUMN": autumn, "WINTER": winter },
    }))
}

fn refused(code: &str) -> ResponseTemplate {
    ResponseTemplate::new(422).set_body_json(json!({ "code": code, "detail": "It is refused." }))
}

async fn start(db: MySqlPool, analyzer: &MockServer) -> Stack {
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    stack.with("PHOTO_RETENTION", "0s")
}

/// Uploads photos, submits them in one analysis, and waits for its end; returns the keys with it.
async fn analyze(client: &Client, photos: &[&[u8]]) -> (Vec<String>, Value) {
    let mut keys = Vec::new();
    for photo in photos {
        keys.push(client.upload(photo.to_vec()).await);
    }
    let accepted = client.post("/v1/analyses", json!({ "objectKeys": keys })).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    (keys, finished(client, &accepted.body).await)
}

#[sqlx::test(migrations = "../migrations")]
async fn photos_of_one_analysis_are_one_job_and_the_surer_ones_count_for_more(db: MySqlPool) {
    let analyzer = analyzer(&[
        seen("SPRING", [0.4, 0.2, 0.2, 0.2]),
        seen("WINTER", [0.02, 0.06, 0.02, 0.9]),
        seen("WINTER", [0.1, 0.2, 0.1, 0.6]),
    ])
    .await;
    let stack = start(db.clone(), &analyzer).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let (keys, done) = analyze(&guest, &[b"one", b"two", b"three"]).await;

    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(1)));
    let result = &done["result"];
    assert_eq!((&result["personalColor"], &result["clearest"]), (&json!("WINTER"), &json!(1)));
    let seasons: Vec<&Value> = result["photos"].as_array().unwrap().iter().collect();
    let seasons: Vec<&Value> = seasons.iter().map(|photo| &photo["personalColor"]).collect();
    assert_eq!(seasons, ["SPRING", "WINTER", "WINTER"]);
    assert!(result["spread"].as_f64().unwrap() > 0.2, "{result}");
    assert_eq!(calls(&analyzer).await, 3);
    let analyses: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE kind = 'analysis'")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(analyses, 1);
    eventually("every photo is deleted", async || {
        for key in &keys {
            let found = stack.objects().get(key, 100).await;
            matches!(found, Err(ObjectError::Missing)).then_some(())?;
        }
        Some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_photo_that_is_refused_or_sent_twice_is_left_out_and_named(db: MySqlPool) {
    let analyzer = analyzer(&[refused("NO_FACE"), seen("SUMMER", [0.1, 0.7, 0.1, 0.1])]).await;
    let stack = start(db, &analyzer).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let (_, done) = analyze(&guest, &[b"a wall", b"a face", b"a face"]).await;

    assert_eq!(done["status"], "succeeded", "{done}");
    let result = &done["result"];
    assert_eq!((&result["personalColor"], &result["clearest"]), (&json!("SUMMER"), &json!(1)));
    let left_out = |index: usize| &result["photos"][index]["leftOut"]["code"];
    assert_eq!(left_out(0), "NO_FACE");
    assert_eq!(left_out(1), &Value::Null);
    assert_eq!(left_out(2), "SAME_PHOTO");
    assert_eq!(calls(&analyzer).await, 2, "no slot for a photo that was seen");
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_good_photo_the_analysis_fails_as_its_first_photo_does(db: MySqlPool) {
    let analyzer = analyzer(&[refused("TOO_DARK"), refused("NO_FACE")]).await;
    let stack = start(db, &analyzer).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (_, done) = analyze(&api.guest().await, &[b"night", b"a wall"]).await;
    assert_eq!((&done["status"], &done["error"]["code"]), (&json!("failed"), &json!("TOO_DARK")));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_failure_of_the_analyzer_repeats_the_attempt_for_all_photos(db: MySqlPool) {
    let broken = ResponseTemplate::new(500).insert_header("retry-after-ms", "100");
    let clear = seen("AUTUMN", [0.1, 0.1, 0.7, 0.1]);
    let analyzer = analyzer(&[clear.clone(), broken, clear]).await;
    let stack = start(db, &analyzer).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let (_, done) = analyze(&api.guest().await, &[b"one", b"two"]).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("succeeded"), &json!(2)));
    assert_eq!(done["result"]["photos"].as_array().unwrap().len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn photos_are_sent_one_after_the_other(db: MySqlPool) {
    let slow = seen("AUTUMN", [0.1, 0.1, 0.7, 0.1]).set_delay(Duration::from_millis(400));
    let analyzer = analyzer(&[slow]).await;
    let stack = start(db, &analyzer).await;
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let keys = [guest.upload(b"one".to_vec()).await, guest.upload(b"two".to_vec()).await];
    let accepted = guest.post("/v1/analyses", json!({ "objectKeys": keys })).await;
    eventually("the first photo is there", async || (calls(&analyzer).await == 1).then_some(()))
        .await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(calls(&analyzer).await, 1);
    let done = finished(&guest, &accepted.body).await;
    assert_eq!((&done["status"], calls(&analyzer).await), (&json!("succeeded"), 2));
}
