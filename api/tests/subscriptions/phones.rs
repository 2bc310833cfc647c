//! FCM: a stand-in that checks the assertion and the message as Google documents them.

use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::eventually;

use super::{each_once, failed, listed, many_results, phone, phones, register, rest, settled};
use crate::webhooks::{succeeded, time_passes};

const TOKEN: &str = "dGVzdA:APA91bHun4MxP5egoKMwt2KZFBaFUH-1RYqx";

#[sqlx::test(migrations = "../migrations")]
async fn a_phone_is_told_in_its_language(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    let subscription = json!({ "kind": "fcm", "token": TOKEN, "language": "ko" });
    assert_eq!(register(&guest, subscription).await["language"], "ko");
    let analysis = succeeded(&db, &guest).await;

    let attempt = fcm.attempts(TOKEN, 1).await.remove(0);
    let message = &attempt["message"];
    assert_eq!(message["notification"]["title"], "당신의 계절은 가을이에요");
    let id = &message["data"]["id"];
    let expected = json!({
        "id": id, "type": "analysis.succeeded", "analysisId": analysis, "season": "AUTUMN",
    });
    assert_eq!((&attempt["status"], &message["data"]), (&json!(200), &expected));
    // A repeat replaces the first one on the device.
    assert_eq!(&message["android"]["notification"]["tag"], id);
    assert_eq!(&message["apns"]["headers"]["apns-collapse-id"], id);
    assert_eq!(message["android"]["priority"], "HIGH");
    assert_eq!(settled(&db, "delivered").await, [Some(200)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_failed_is_told_in_words_that_name_nothing_more(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone(TOKEN)).await;
    failed(&db, &guest).await;
    let attempt = fcm.attempts(TOKEN, 1).await.remove(0);
    assert_eq!(attempt["message"]["notification"]["title"], "Your photo could not be read");
    assert_eq!(attempt["message"]["data"]["status"], "failed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_device_that_is_unregistered_is_forgotten(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone(TOKEN)).await;
    fcm.script(TOKEN, json!([{ "status": 404, "error": "UNREGISTERED" }])).await;
    succeeded(&db, &guest).await;
    eventually("it is forgotten", async || listed(&guest).await.is_empty().then_some(())).await;
    assert_eq!(settled(&db, "failed").await, [Some(404)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_message_that_fcm_refuses_is_given_up_and_the_device_kept(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone(TOKEN)).await;
    fcm.script(TOKEN, json!([{ "status": 400, "error": "INVALID_ARGUMENT" }])).await;
    succeeded(&db, &guest).await;
    assert_eq!(settled(&db, "failed").await, [Some(400)]);
    assert_eq!(listed(&guest).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn fcm_is_left_alone_as_long_as_it_asks_for(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone(TOKEN)).await;
    let unavailable = json!({
        "status": 503, "error": "UNAVAILABLE", "headers": { "retry-after": "3600" },
    });
    let quota = json!({ "status": 429, "error": "QUOTA_EXCEEDED" });
    fcm.script(TOKEN, json!([{ "status": 500, "error": "INTERNAL" }, unavailable, quota])).await;
    succeeded(&db, &guest).await;
    assert!(rest(&db).await < 30, "a first failure is soon tried again");
    time_passes(&db).await;
    eventually("an hour's rest", async || (rest(&db).await > 3000).then_some(())).await;
    time_passes(&db).await;
    // FCM asks for one, and a third attempt that fails for two, a fifth more or less.
    let minutes = async || (60..=145).contains(&rest(&db).await).then_some(());
    eventually("minutes of rest", minutes).await;
    time_passes(&db).await;
    let statuses = settled(&db, "delivered").await;
    assert_eq!(statuses, [Some(500), Some(503), Some(429), Some(200)]);
    let tags: Vec<Value> = fcm.attempts(TOKEN, 4).await;
    let tag = |attempt: &Value| attempt["message"]["android"]["notification"]["tag"].clone();
    assert!(tags.iter().all(|attempt| tag(attempt) == tag(&tags[0])), "{tags:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_access_token_serves_many_messages_and_is_replaced_when_it_is_refused(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.with("PUSH_SUBSCRIPTION_LIMIT", "100").api().await.guest().await;
    let tokens: Vec<String> = (0..30).map(|number| format!("{TOKEN}{number}")).collect();
    for token in &tokens {
        register(&guest, phone(token)).await;
    }
    for turn in 1..=2 {
        succeeded(&db, &guest).await;
        for token in &tokens {
            let attempts = fcm.attempts(token, turn).await;
            assert!(attempts.iter().all(|attempt| attempt["status"] == 200), "{attempts:?}");
        }
        assert_eq!(fcm.grants().await, u64::try_from(turn).unwrap());
        fcm.revoke().await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_access_token_near_its_end_serves_on_while_there_is_no_other(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone(TOKEN)).await;
    fcm.script("oauth", json!([{ "expiresIn": 250 }, { "status": 503 }])).await;
    for count in 1..=2 {
        succeeded(&db, &guest).await;
        fcm.attempts(TOKEN, count).await;
        assert_eq!(fcm.grants().await, 1);
    }
    assert_eq!(settled(&db, "delivered").await[0], Some(200));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_endpoint_that_is_away_delays_and_loses_nothing(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone(TOKEN)).await;
    fcm.script("oauth", json!([{ "status": 503 }])).await;
    succeeded(&db, &guest).await;
    assert_eq!(settled(&db, "delivered").await, [None, Some(200)]);
    assert_eq!(fcm.attempts(TOKEN, 1).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn every_result_of_many_reaches_the_phone_once(db: MySqlPool) {
    let (stack, fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone(TOKEN)).await;
    let results = many_results(&stack, &guest).await;
    let attempts = fcm.attempts(TOKEN, results.len()).await;
    let data = |attempt: &Value| attempt["message"]["data"].clone();
    let arrivals = attempts.iter().map(|push| (data(push), push["at"].as_f64().unwrap()));
    each_once("fcm", &results, &arrivals.collect::<Vec<_>>(), &db).await;
}
