//! Requests of owners of browsers and phones, and their refusals.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Answer, Client, Stack, problem_of};

use super::{browsers, listed, phone, phones, register};
use crate::webhooks::succeeded;

async fn delete(guest: &Client, id: &Value) -> Answer {
    let path = format!("/v1/push-subscriptions/{}", id.as_str().unwrap());
    guest.send(guest.request(Method::DELETE, &path)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_is_registered_once_listed_and_deleted(db: MySqlPool) {
    let (stack, service) = browsers(db).await;
    let guest = stack.api().await.guest().await;
    let browser = service.join(&guest).await;
    let again = guest.post("/v1/push-subscriptions", browser.subscription).await;
    assert_eq!(again.status, 200);
    let seen = &again.body;
    assert_eq!((&seen["kind"], &seen["service"]), (&json!("web"), &json!("127.0.0.1")));
    assert_eq!((&seen["active"], &seen["language"]), (&json!(true), &Value::Null));
    assert_eq!(&listed(&guest).await, std::slice::from_ref(seen));
    assert_eq!(delete(&guest, &seen["id"]).await.status, 204);
    assert!(listed(&guest).await.is_empty());
    assert_eq!(problem_of(&delete(&guest, &seen["id"]).await).0, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_that_changes_hands_is_told_nothing_of_who_had_it_before(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let browser = service.join(&alice).await;
    let bobs = register(&bob, browser.subscription.clone()).await;
    assert!(listed(&alice).await.is_empty());
    succeeded(&db, &alice).await;
    let analysis = succeeded(&db, &bob).await;
    let attempts = service.attempts(&browser, 1).await;
    assert_eq!(attempts.len(), 1);
    assert!(attempts[0]["text"].as_str().unwrap().contains(&analysis), "{attempts:?}");
    // What is bob's is not there for alice.
    assert_eq!(problem_of(&delete(&alice, &bobs["id"]).await).0, 404);
    assert_eq!(listed(&bob).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_that_could_not_be_reached_for_days_is_told_again_once_it_registers(db: MySqlPool) {
    let (stack, _fcm) = phones(db.clone()).await;
    let guest = stack.api().await.guest().await;
    register(&guest, phone("token")).await;
    let worn_out = "UPDATE push_targets SET disabled_at = NOW(3), disabled_reason = 'failing'";
    sqlx::query(worn_out).execute(&db).await.unwrap();
    assert_eq!(listed(&guest).await[0]["active"], false);
    let again = guest.post("/v1/push-subscriptions", phone("token")).await;
    assert_eq!((again.status.as_u16(), &again.body["active"]), (200, &json!(true)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_has_so_many_and_no_more(db: MySqlPool) {
    let (stack, _fcm) = phones(db.clone()).await;
    let guest = stack.with("PUSH_SUBSCRIPTION_LIMIT", "2").api().await.guest().await;
    for token in ["one", "two"] {
        register(&guest, phone(token)).await;
    }
    let refused = guest.post("/v1/push-subscriptions", phone("three")).await;
    assert_eq!(problem_of(&refused).1, "too_many_push_subscriptions");
    assert_eq!(refused.status, 409);
    assert_eq!(guest.post("/v1/push-subscriptions", phone("two")).await.status, 200);
    // One that is told nothing any more makes room.
    let worn_out = "UPDATE push_targets SET disabled_at = NOW(3) WHERE address = 'one'";
    sqlx::query(worn_out).execute(&db).await.unwrap();
    register(&guest, phone("three")).await;
    assert_eq!(listed(&guest).await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_makes_no_sense_is_refused_with_its_field(db: MySqlPool) {
    let (stack, service) = browsers(db).await;
    let fcm = super::Fcm::start().await;
    let stack = stack.with("FCM_SERVICE_ACCOUNT", fcm.service_account().await);
    let guest = stack.with("WEBHOOK_ALLOWED_HOSTS", "").api().await.guest().await;
    let key = guest.get("/v1/push-subscriptions/vapid-key").await.body;
    let good = service.subscribe(key["publicKey"].as_str().unwrap()).await.subscription;
    let keys = &good["keys"];
    let endpoint = "https://push.example/send/1";
    let long = format!("{endpoint}{}", "x".repeat(2048));
    let cases = [
        (json!({}), "kind"),
        (json!({ "kind": "apns" }), "kind"),
        (json!({ "kind": "web" }), "endpoint"),
        (json!({ "kind": "web", "endpoint": "push", "keys": keys }), "endpoint"),
        (json!({ "kind": "web", "endpoint": "http://push.example/", "keys": keys }), "endpoint"),
        (json!({ "kind": "web", "endpoint": "https://10.0.0.1/", "keys": keys }), "endpoint"),
        (json!({ "kind": "web", "endpoint": good["endpoint"], "keys": keys }), "endpoint"),
        (json!({ "kind": "web", "endpoint": long, "keys": keys }), "endpoint"),
        (json!({ "kind": "web", "endpoint": endpoint }), "keys"),
        (json!({ "kind": "web", "endpoint": endpoint, "keys": { "auth": "x" } }), "p256dh"),
        (with_keys(endpoint, "BCVx", keys["auth"].as_str().unwrap()), "keys.p256dh"),
        (with_keys(endpoint, keys["p256dh"].as_str().unwrap(), "short"), "keys.auth"),
        (json!({ "kind": "web", "endpoint": endpoint, "keys": keys, "token": "x" }), "token"),
        (json!({ "kind": "fcm" }), "token"),
        (json!({ "kind": "fcm", "token": "" }), "token"),
        (json!({ "kind": "fcm", "token": "a b" }), "token"),
        (json!({ "kind": "fcm", "token": "x".repeat(2049) }), "token"),
        (json!({ "kind": "fcm", "token": "x", "endpoint": endpoint }), "endpoint"),
        (json!({ "kind": "fcm", "token": "x", "language": "tlh" }), "language"),
    ];
    for (body, field) in cases {
        let refused = problem_of(&guest.post("/v1/push-subscriptions", body.clone()).await);
        assert_eq!(
            refused,
            (422, "validation_failed".to_owned(), vec![field.to_owned()]),
            "{body}"
        );
    }
    let mut whole = with_endpoint(&good, endpoint);
    // As `JSON.stringify(subscription)` has it.
    whole["expirationTime"] = Value::Null;
    assert_eq!(register(&guest, whole.clone()).await["service"], "push.example");
    whole["expirationTime"] = json!(1_700_000_000_000.5);
    assert_eq!(guest.post("/v1/push-subscriptions", whole).await.status, 200);
}

fn with_keys(endpoint: &str, p256dh: &str, auth: &str) -> Value {
    json!({ "kind": "web", "endpoint": endpoint, "keys": { "p256dh": p256dh, "auth": auth } })
}

fn with_endpoint(subscription: &Value, endpoint: &str) -> Value {
    let mut subscription = subscription.clone();
    subscription["endpoint"] = endpoint.into();
    subscription
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_set_up_says_so(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let key = api.anonymous().get("/v1/push-subscriptions/vapid-key").await;
    assert_eq!((key.status.as_u16(), key.body), (200, json!({ "publicKey": null })));
    let guest = api.guest().await;
    for kind in ["web", "fcm"] {
        let refused = guest.post("/v1/push-subscriptions", json!({ "kind": kind })).await;
        let refused = problem_of(&refused);
        assert_eq!((refused.0, refused.1.as_str()), (501, "push_unavailable"));
    }
    let anonymous = api.anonymous().get("/v1/push-subscriptions").await;
    assert_eq!(problem_of(&anonymous).0, 401);
}
