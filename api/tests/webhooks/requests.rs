//! Requests of webhook owners, and their refusals.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, problem_of};

use super::{
    body_of, cancelled, create, delivery, id_of, path, receiver, requests, stack, status, succeeded,
};

async fn patch(guest: &Client, webhook: &Value, body: Value) -> toneup_testing::Answer {
    guest.send(guest.request(Method::PATCH, &path(webhook, "")).json(&body)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_is_made_read_changed_and_deleted(db: MySqlPool) {
    let guest = stack(db).await.api().await.guest().await;
    let made = guest
        .post("/v1/webhooks", json!({ "url": "https://hooks.example/a", "description": "mine" }))
        .await;
    let webhook = &made.body;
    assert_eq!(made.header("location"), path(webhook, ""));
    assert!(webhook["secret"].as_str().unwrap().starts_with("whsec_"));

    let mut expected = webhook.clone();
    expected.as_object_mut().unwrap().remove("secret");
    let read = guest.get(&path(webhook, "")).await;
    assert_eq!(read.body, expected, "the secret is shown once");
    assert_eq!(guest.get("/v1/webhooks").await.body, json!({ "items": [expected] }));

    let changed = patch(&guest, webhook, json!({ "url": "https://hooks.example/b" })).await.body;
    assert_eq!(
        (&changed["url"], &changed["description"]),
        (&json!("https://hooks.example/b"), &json!("mine"))
    );
    let disabled = patch(&guest, webhook, json!({ "enabled": false })).await.body;
    assert_eq!(
        (&disabled["enabled"], &disabled["disabledReason"]),
        (&json!(false), &json!("owner"))
    );

    let deleted = guest.send(guest.request(Method::DELETE, &path(webhook, ""))).await;
    assert_eq!(deleted.status, 204);
    assert_eq!(problem_of(&guest.get(&path(webhook, "")).await).0, 404);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_of_another_user_does_not_exist(db: MySqlPool) {
    let api = stack(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let server = receiver(&[status(200)]).await;
    let webhook = create(&alice, &server.uri()).await;
    alice.post(&path(&webhook, "/ping"), json!({})).await;
    let ping = delivery(&alice, &webhook, |told| told["status"] == "delivered").await;
    let redeliver = format!("/deliveries/{}/redeliver", ping["id"].as_str().unwrap());
    let other = create(&bob, &server.uri()).await;
    let calls = [
        (Method::GET, path(&webhook, "")),
        (Method::PATCH, path(&webhook, "")),
        (Method::DELETE, path(&webhook, "")),
        (Method::POST, path(&webhook, "/rotate-secret")),
        (Method::POST, path(&webhook, "/ping")),
        (Method::GET, path(&webhook, "/deliveries")),
        (Method::POST, path(&webhook, &redeliver)),
        // Another's delivery on a webhook of one's own, and what is no id.
        (Method::POST, path(&other, &redeliver)),
        (Method::GET, "/v1/webhooks/nothing".to_owned()),
    ];
    for (method, path) in calls {
        let request = bob.request(method.clone(), &path).json(&json!({ "enabled": false }));
        let refused = problem_of(&bob.send(request).await);
        assert_eq!(refused, (404, "not_found".to_owned(), vec![]), "{method} {path}");
    }
    assert_eq!(alice.get(&path(&webhook, "")).await.body["enabled"], true);
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_makes_no_sense_is_refused_with_its_field(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let long = format!("https://hooks.example/{}", "x".repeat(2048));
    let cases = [
        (json!({}), "url"),
        (json!({ "url": "hooks.example" }), "url"),
        (json!({ "url": "http://hooks.example/" }), "url"),
        (json!({ "url": "ftp://hooks.example/" }), "url"),
        (json!({ "url": "https://me:word@hooks.example/" }), "url"),
        (json!({ "url": "https://127.0.0.1/" }), "url"),
        (json!({ "url": "https://169.254.169.254/latest/meta-data" }), "url"),
        (json!({ "url": "https://[::ffff:10.0.0.1]/" }), "url"),
        (json!({ "url": "https://localhost/" }), "url"),
        (json!({ "url": "https://db.internal/" }), "url"),
        (json!({ "url": long }), "url"),
        (json!({ "url": "https://hooks.example/", "description": "x".repeat(201) }), "description"),
    ];
    for (body, field) in cases {
        let refused = problem_of(&guest.post("/v1/webhooks", body.clone()).await);
        assert_eq!(
            refused,
            (422, "validation_failed".to_owned(), vec![field.to_owned()]),
            "{body}"
        );
    }
    let webhook = create(&guest, "https://hooks.example/").await;
    let refused = patch(&guest, &webhook, json!({ "url": "http://10.0.0.1/" })).await;
    assert_eq!(problem_of(&refused).2, ["url"]);
    for query in ["?limit=0", "?limit=101", "?cursor=x"] {
        let refused = guest.get(&path(&webhook, &format!("/deliveries{query}"))).await;
        assert_eq!(problem_of(&refused).0, 422, "{query}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_description_is_taken_away_by_null_and_nothing_else_is(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let webhook = json!({ "url": "https://hooks.example/a", "description": "mine" });
    let webhook = guest.post("/v1/webhooks", webhook).await.body;
    assert_eq!(patch(&guest, &webhook, json!({})).await.body["description"], "mine");
    for member in ["url", "enabled"] {
        let refused = patch(&guest, &webhook, json!({ member: null })).await;
        assert_eq!(problem_of(&refused).2, [member]);
    }
    let cleared = patch(&guest, &webhook, json!({ "description": null })).await;
    assert_eq!((cleared.status.as_u16(), &cleared.body["description"]), (200, &Value::Null));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_webhook_is_told_of_what_it_asks_for(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let server = receiver(&[status(200)]).await;
    let wanted = json!({ "url": server.uri(), "events": ["analysis.succeeded"] });
    let webhook = guest.post("/v1/webhooks", wanted).await.body;
    assert_eq!(webhook["events"], json!(["analysis.succeeded"]));
    for events in
        [json!([]), json!(["analysis.lost"]), json!(["analysis.failed", "analysis.failed"])]
    {
        let refused = patch(&guest, &webhook, json!({ "events": events })).await;
        assert_eq!(problem_of(&refused).2, ["events"]);
    }
    cancelled(&guest).await;
    let analysis = succeeded(&db, &guest).await;
    delivery(&guest, &webhook, |told| told["analysisId"] == json!(analysis)).await;
    let all = patch(&guest, &webhook, json!({ "events": null })).await;
    assert_eq!(all.body["events"], Value::Null);
    cancelled(&guest).await;
    let told = delivery(&guest, &webhook, |told| told["event"] == "analysis.cancelled").await;
    assert_eq!(told["event"], "analysis.cancelled");
    let log = guest.get(&path(&webhook, "/deliveries")).await.body;
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "the first end was not asked for");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_secret_signs_for_its_day_however_often_it_is_rotated(db: MySqlPool) {
    let guest = stack(db).await.api().await.guest().await;
    let server = receiver(&[status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    let rotate = async || guest.post(&path(&webhook, "/rotate-secret"), json!({})).await;
    for _ in 0..4 {
        assert_eq!(rotate().await.status, 200);
    }
    let refused = rotate().await;
    assert_eq!(problem_of(&refused), (429, "too_many_secrets".to_owned(), vec![]));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 86_000, "{refused:?}");
    guest.post(&path(&webhook, "/ping"), json!({})).await;
    let signatures = requests(&server, 1).await[0].headers["webhook-signature"].clone();
    assert_eq!(signatures.to_str().unwrap().split(' ').count(), 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_has_each_url_once_and_not_too_many(db: MySqlPool) {
    let api = Stack::new(db).await.with("WEBHOOK_LIMIT", "2").api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let first = create(&alice, "https://hooks.example/1").await;
    let again = alice.post("/v1/webhooks", json!({ "url": "https://hooks.example/1" })).await;
    assert_eq!(problem_of(&again), (409, "webhook_exists".to_owned(), vec![]));
    create(&bob, "https://hooks.example/1").await;
    let second = create(&alice, "https://hooks.example/2").await;
    let third = alice.post("/v1/webhooks", json!({ "url": "https://hooks.example/3" })).await;
    assert_eq!(problem_of(&third), (409, "too_many_webhooks".to_owned(), vec![]));
    let same = patch(&alice, &second, json!({ "url": first["url"] })).await;
    assert_eq!(problem_of(&same).1, "webhook_exists");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ping_is_sent_once_and_says_what_came_of_it(db: MySqlPool) {
    let guest = stack(db).await.api().await.guest().await;
    let server = receiver(&[status(500), status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    let ping = guest.post(&path(&webhook, "/ping"), json!({})).await;
    assert_eq!((ping.status.as_u16(), &ping.body["event"]), (202, &json!("webhook.ping")));
    let failed = delivery(&guest, &webhook, |told| told["status"] == "failed").await;
    assert_eq!((&failed["id"], &failed["attempts"][0]["status"]), (&ping.body["id"], &json!(500)));
    assert_eq!(guest.get(&path(&webhook, "")).await.body["failingSince"], Value::Null);

    guest.post(&path(&webhook, "/ping"), json!({})).await;
    delivery(&guest, &webhook, |told| told["status"] == "delivered").await;
    let sent = requests(&server, 2).await;
    assert_ne!(id_of(&sent[0]), id_of(&sent[1]));
    assert_eq!(body_of(&sent[1])["data"], json!({ "webhookId": webhook["id"] }));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_log_is_read_page_by_page(db: MySqlPool) {
    let guest = stack(db).await.api().await.guest().await;
    let server = receiver(&[status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    for _ in 0..5 {
        cancelled(&guest).await;
    }
    let mut ids: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = guest.get(&path(&webhook, &format!("/deliveries?limit=2{cursor}"))).await.body;
        let items = page["items"].as_array().unwrap();
        ids.extend(items.iter().map(|told| told["id"].as_str().unwrap().to_owned()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids.len(), 5);
    assert!(ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
}
