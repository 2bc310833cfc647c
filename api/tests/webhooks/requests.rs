//! Requests of webhook owners, and their refusals.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::MySqlPool;
use toneup_testing::{Client, Stack, eventually, problem_of};

use super::{
    body_of, cancelled, create, delivery, end, id_of, path, receiver, requests, stack, status,
    succeeded, time_passes,
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

    let again = async |url: &str| {
        let request = guest.request(Method::POST, "/v1/webhooks").header("idempotency-key", "k");
        guest.send(request.json(&json!({ "url": url }))).await
    };
    let keyed = again("https://hooks.example/k").await;
    assert_eq!(again("https://hooks.example/k").await.body, keyed.body, "with its secret");
    assert_eq!(problem_of(&again("https://hooks.example/l").await).1, "idempotency_key_reused");
    let withdrawn = guest.request(Method::DELETE, &path(&keyed.body, ""));
    assert_eq!(guest.send(withdrawn).await.status, 204);

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

async fn stored(db: &MySqlPool) -> Vec<String> {
    let secrets = "SELECT secrets FROM push_targets ORDER BY id";
    sqlx::query_scalar(secrets).fetch_all(db).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn secrets_are_encrypted_in_the_database_and_their_key_can_be_replaced(db: MySqlPool) {
    let stack = stack(db.clone()).await;
    let old = stack.environment()["DATA_KEYS"].clone();
    let api = stack.api().await;
    let guest = api.guest().await;
    let server = receiver(&[status(204)]).await;
    let webhooks =
        [create(&guest, &server.uri()).await, create(&guest, "https://example.com/").await];
    let sealed = stored(&db).await;
    for (webhook, stored) in webhooks.iter().zip(&sealed) {
        let secret = webhook["secret"].as_str().unwrap().strip_prefix("whsec_").unwrap();
        assert!(!stored.contains("whsec_") && !stored.contains(secret), "{stored}");
    }
    assert!(api.stop().await);
    // One as it was before secrets were encrypted, one under a key that is being replaced.
    let plain = json!([{ "secret": webhooks[1]["secret"] }]).to_string();
    let before =
        sqlx::query("UPDATE push_targets SET secrets = ? WHERE address LIKE '%example.com/'");
    before.bind(plain).execute(&db).await.unwrap();
    let new = "YW5vdGhlciBrZXkgb2YgdGhlIHNhbWUgbGVuZ3RoISE=";
    let api = stack.with("DATA_KEYS", format!("{new},{old}")).api().await;
    eventually("both are encrypted anew", async || {
        let (stored, old) = (stored(&db).await, sealed[0].split(':').next().unwrap());
        let is_new = |text: &String| !text.starts_with('[') && !text.starts_with(old);
        stored.iter().all(is_new).then_some(())
    })
    .await;
    let mut again = api.anonymous();
    again.session = guest.session.clone();
    assert_eq!(again.post(&path(&webhooks[0], "/ping"), json!({})).await.status, 202);
    delivery(&again, &webhooks[0], |told| told["status"] == "delivered").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_submit_may_bring_its_metadata_and_its_webhook(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let server = receiver(&[status(503), status(204)]).await;
    let url = format!("{}/one", server.uri());
    let noted = |metadata: Value, webhook: &str| json!({ "objectKey": guest.unused_key(), "metadata": metadata, "webhook": webhook });
    let submit = async |body: Value| guest.post("/v1/analyses", body).await;
    let analysis = submit(noted(json!({ "order": "7" }), &url)).await;
    assert_eq!(analysis.body["metadata"], json!({ "order": "7" }), "{analysis:?}");
    // Any number may name the same URL; it is none of the registered ones, and told of nothing else.
    let other = submit(noted(json!({}), &url)).await.body;
    cancelled(&guest).await;
    let id = analysis.body["id"].as_str().unwrap();
    end(&db, guest.user(), id).await;
    time_passes_until_told(&db, &server, 2).await;
    let told = requests(&server, 2).await;
    assert_eq!(id_of(&told[0]), id_of(&told[1]), "repeated, with the same id");
    let (body, seen) = (body_of(&told[1]), guest.get(&format!("/v1/analyses/{id}")).await.body);
    assert_eq!((&body["type"], &body["data"]), (&json!("analysis.succeeded"), &seen));
    assert_eq!(seen["metadata"], json!({ "order": "7" }));
    assert_eq!(guest.get("/v1/webhooks").await.body, json!({ "items": [] }));
    let secret = guest.get("/v1/webhooks/secret").await.body["secret"].clone();
    assert!(verifies(&told[1], secret.as_str().unwrap()));

    let erased = guest.request(Method::DELETE, &format!("/v1/analyses/{id}"));
    assert_eq!(guest.send(erased).await.status, 204);
    end(&db, guest.user(), other["id"].as_str().unwrap()).await;
    eventually("the other's call", async || {
        let told = server.received_requests().await.unwrap();
        told.iter().any(|call| body_of(call)["data"]["id"] == other["id"]).then_some(())
    })
    .await;
    let left: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM push_targets").fetch_one(&db).await.unwrap();
    assert_eq!(left, 1, "the other's");
    for (body, field) in [
        (noted(json!({ "x": 1 }), &url), "metadata.x"),
        (noted(json!({ "x": "y".repeat(501) }), &url), "metadata"),
        (noted(json!({}), "http://10.0.0.1/"), "webhook"),
    ] {
        let refused = submit(body).await;
        assert_eq!(
            problem_of(&refused),
            (422, "validation_failed".to_owned(), vec![field.to_owned()])
        );
    }
}

/// Lets the waits between attempts pass until so many requests have come.
async fn time_passes_until_told(db: &MySqlPool, server: &wiremock::MockServer, count: usize) {
    eventually("the repetition", async || {
        time_passes(db).await;
        (server.received_requests().await.unwrap().len() >= count).then_some(())
    })
    .await;
}

/// Checks a signature as the specification says.
fn verifies(request: &wiremock::Request, secret: &str) -> bool {
    let header = |name: &str| request.headers[name].to_str().unwrap();
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&request.body);
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    header("webhook-signature") == format!("v1,{signature}")
}
