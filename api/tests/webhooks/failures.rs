//! Consequences of a failing receiver.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::MySqlPool;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use toneup_platform::identity::UserId;
use toneup_testing::{Client, SOON, Stack, eventually};
use wiremock::MockServer;

use super::{
    answer, attempted, body_of, cancelled, create, delivery, end, id_of, path, receiver, requests,
    stack, status, statuses, succeeded, time_passes,
};

/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_mins(5);

#[sqlx::test(migrations = "../migrations")]
async fn what_failed_is_sent_again_with_the_same_id(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let server = receiver(&[status(500), status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    let analysis = cancelled(&guest).await;
    let failed = delivery(&guest, &webhook, attempted(1)).await;
    assert_eq!((&failed["status"], &failed["endedAt"]), (&json!("pending"), &Value::Null));
    let seen = guest.get(&path(&webhook, "")).await.body;
    assert!(seen["failingSince"].is_string() && seen["enabled"] == true, "{seen}");

    time_passes(&db).await;
    let delivered = delivery(&guest, &webhook, |told| told["status"] == "delivered").await;
    assert_eq!(statuses(&delivered), [&json!(500), &json!(200)]);
    assert_eq!(delivered["attempts"][0]["error"], "answered 500");
    let sent = requests(&server, 2).await;
    assert_eq!(
        (id_of(&sent[0]), id_of(&sent[1])),
        (delivered["id"].as_str().unwrap(), id_of(&sent[0]))
    );
    assert_eq!(body_of(&sent[1])["data"]["id"], analysis["id"]);
    assert_eq!(guest.get(&path(&webhook, "")).await.body["failingSince"], Value::Null);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receiver_that_wants_no_more_is_disabled_and_the_owner_hears_of_it(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let (gone, other) = (receiver(&[status(410)]).await, receiver(&[status(200)]).await);
    let disabled = create(&guest, &gone.uri()).await;
    create(&guest, &other.uri()).await;
    cancelled(&guest).await;
    let seen = eventually("it is disabled", async || {
        let seen = guest.get(&path(&disabled, "")).await.body;
        (seen["enabled"] == false).then_some(seen)
    })
    .await;
    assert_eq!(seen["disabledReason"], "gone");
    assert!(seen["disabledAt"].is_string());
    let failed = delivery(&guest, &disabled, attempted(1)).await;
    assert_eq!((&failed["status"], statuses(&failed)), (&json!("failed"), vec![&json!(410)]));

    let told: Vec<Value> = requests(&other, 2).await.iter().map(body_of).collect();
    let notice = told.iter().find(|told| told["type"] == "webhook.disabled").unwrap();
    assert_eq!(notice["data"], json!({ "webhookId": disabled["id"] }));
    cancelled(&guest).await;
    requests(&other, 3).await;
    assert_eq!(gone.received_requests().await.unwrap().len(), 1, "nothing more is sent to it");
    let refused = guest.post(&path(&disabled, "/ping"), json!({})).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (409, &json!("webhook_disabled")));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receiver_that_failed_for_days_is_disabled_until_its_owner_enables_it(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let server = receiver(&[status(503), status(503), status(204)]).await;
    let webhook = create(&guest, &server.uri()).await;
    cancelled(&guest).await;
    delivery(&guest, &webhook, attempted(1)).await;
    assert_eq!(guest.get(&path(&webhook, "")).await.body["enabled"], true);
    sqlx::query("UPDATE push_targets SET failing_since = NOW(3) - INTERVAL 6 DAY")
        .execute(&db)
        .await
        .unwrap();
    time_passes(&db).await;
    delivery(&guest, &webhook, attempted(2)).await;
    let seen = guest.get(&path(&webhook, "")).await.body;
    assert_eq!((&seen["enabled"], &seen["disabledReason"]), (&json!(false), &json!("failing")));

    sqlx::query("UPDATE push_deliveries SET due_at = NOW(3)").execute(&db).await.unwrap();
    let enable = guest.request(reqwest::Method::PATCH, &path(&webhook, ""));
    let enabled = guest.send(enable.json(&json!({ "enabled": true }))).await;
    assert_eq!((enabled.status.as_u16(), &enabled.body["enabled"]), (200, &json!(true)));
    let delivered = delivery(&guest, &webhook, |told| told["status"] == "delivered").await;
    assert_eq!(statuses(&delivered), [&json!(503), &json!(503), &json!(204)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_redirect_is_not_followed(db: MySqlPool) {
    let guest = stack(db).await.api().await.guest().await;
    let elsewhere = receiver(&[status(200)]).await;
    let moved = status(307).insert_header("location", elsewhere.uri());
    let server = receiver(&[moved]).await;
    let webhook = create(&guest, &server.uri()).await;
    cancelled(&guest).await;
    let failed = delivery(&guest, &webhook, attempted(1)).await;
    assert_eq!(failed["attempts"][0]["error"], "answered 307: redirects are not followed");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receiver_is_left_alone_as_long_as_it_asks_for(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let server = receiver(&[status(429).insert_header("retry-after", "3600"), status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    cancelled(&guest).await;
    let failed = delivery(&guest, &webhook, attempted(1)).await;
    let next = OffsetDateTime::parse(failed["nextAttemptAt"].as_str().unwrap(), &Rfc3339).unwrap();
    assert!(next - OffsetDateTime::now_utc() > time::Duration::minutes(50), "{failed}");
    // What else there is to tell waits, too.
    cancelled(&guest).await;
    let waits: bool =
        sqlx::query_scalar("SELECT due_at > NOW(3) + INTERVAL 50 MINUTE FROM push_targets")
            .fetch_one(&db)
            .await
            .unwrap();
    assert!(waits);
    // Its owner's ping does not.
    assert_eq!(guest.post(&path(&webhook, "/ping"), json!({})).await.status, 202);
    requests(&server, 2).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_given_up_is_failed_and_can_be_sent_again(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let server = receiver(&[status(500), status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    let rests = "UPDATE push_targets SET held_until = NOW(3) + INTERVAL 1 HOUR";
    sqlx::query(rests).execute(&db).await.unwrap();
    succeeded(&db, &guest).await;
    // The last attempt of ten.
    sqlx::query("UPDATE push_deliveries SET attempt = 9").execute(&db).await.unwrap();
    time_passes(&db).await;
    let failed = delivery(&guest, &webhook, |told| told["status"] == "failed").await;
    assert_eq!(failed["attempts"][0]["number"], 10);
    let again = format!("/deliveries/{}/redeliver", failed["id"].as_str().unwrap());
    let again = guest.post(&path(&webhook, &again), json!({})).await;
    assert_eq!((again.status.as_u16(), &again.body["status"]), (202, &json!("pending")));
    let delivered = delivery(&guest, &webhook, |told| told["status"] == "delivered").await;
    assert_eq!((&delivered["id"], statuses(&delivered).len()), (&failed["id"], 2));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_name_or_an_address_that_is_not_public_is_never_connected_to(db: MySqlPool) {
    let stack = stack(db).await.with("WEBHOOK_ALLOWED_HOSTS", "localhost,127.0.0.1");
    let api = stack.api().await;
    let guest = api.guest().await;
    let server = receiver(&[status(200)]).await;
    let by_address = create(&guest, &server.uri()).await;
    let by_name = create(&guest, &server.uri().replace("127.0.0.1", "localhost")).await;
    for webhook in [&by_address, &by_name] {
        guest.post(&path(webhook, "/ping"), json!({})).await;
    }
    requests(&server, 2).await;

    // The operator takes the permission back.
    assert!(api.stop().await);
    let strict = stack.with("WEBHOOK_ALLOWED_HOSTS", "").api().await;
    let mut again = strict.anonymous();
    again.session = guest.session.clone();
    for webhook in [&by_address, &by_name] {
        let path = path(webhook, "/ping");
        assert_eq!(again.post(&path, json!({})).await.status, 202);
        let failed = delivery(&again, webhook, |told| told["status"] == "failed").await;
        assert_eq!(failed["attempts"][0]["status"], Value::Null);
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

/// Gives a user each webhook once more, under another path.
async fn multiply(db: &MySqlPool, guest: &Client) {
    sqlx::query(
        "INSERT INTO push_targets
             (id, user_id, channel, address, address_hash, secrets, created_at)
         SELECT UNHEX(LEFT(SHA2(RAND(), 256), 32)), user_id, channel, CONCAT(address, FLOOR(RAND() * 1e9)),
                UNHEX(SHA2(RAND(), 256)), '[]', created_at
         FROM push_targets WHERE user_id = ?",
    )
    .bind(UserId(guest.user().parse().unwrap()))
    .execute(db)
    .await
    .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_users_receivers_that_hang_delay_nobody_else(db: MySqlPool) {
    let api = stack(db.clone()).await.with("PUSH_TIMEOUT", "5m").api().await;
    let (slow, quick) = (api.guest().await, api.guest().await);
    let hanging = receiver(&[status(200).set_delay(FOR_EVER)]).await;
    create(&slow, &hanging.uri()).await;
    // More than all lanes.
    for _ in 0..7 {
        multiply(&db, &slow).await;
    }
    cancelled(&slow).await;
    requests(&hanging, 8).await;

    let listener = std::net::TcpListener::bind("127.0.0.2:0").unwrap();
    let well = MockServer::builder().listener(listener).start().await;
    answer(&well, &[status(200)]).await;
    let webhook = create(&quick, &well.uri()).await;
    cancelled(&quick).await;
    delivery(&quick, &webhook, |told| told["status"] == "delivered").await;
    assert!(hanging.received_requests().await.unwrap().len() <= 8, "a user has a share");
}

/// An api of its own, which ends without a word where `crash` says.
fn process(stack: &Stack, crash: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_toneup-api"))
        .env_clear()
        .envs(stack.environment())
        .env("API_LISTEN", "127.0.0.1:0")
        .env("TONEUP_CRASH_AT", crash)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_crash_after_the_answer_costs_one_more_request_with_the_same_id(db: MySqlPool) {
    let stack = stack(db.clone()).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    let server = receiver(&[status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    let analysis = guest.submit(&guest.unused_key()).await;
    assert!(api.stop().await);
    end(&db, guest.user(), analysis["id"].as_str().unwrap()).await;

    let mut crashing = process(&stack, "push-sent");
    assert!(!timeout(SOON, crashing.wait()).await.unwrap().unwrap().success(), "it crashed");
    time_passes(&db).await;
    let heir = stack.api().await;
    let mut again = heir.anonymous();
    again.session = guest.session.clone();
    let delivered = delivery(&again, &webhook, |told| told["status"] == "delivered").await;
    assert_eq!(statuses(&delivered).len(), 1, "the first was never written down");
    let sent = requests(&server, 2).await;
    assert_eq!((sent.len(), id_of(&sent[0])), (2, id_of(&sent[1])));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_process_killed_while_a_receiver_answers_sends_once_more_with_the_same_id(db: MySqlPool) {
    let stack = stack(db.clone()).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    let server = receiver(&[status(200).set_delay(FOR_EVER), status(200)]).await;
    let webhook = create(&guest, &server.uri()).await;
    let analysis = guest.submit(&guest.unused_key()).await;
    assert!(api.stop().await);

    let mut killed = process(&stack, "nowhere");
    end(&db, guest.user(), analysis["id"].as_str().unwrap()).await;
    requests(&server, 1).await;
    killed.kill().await.unwrap();

    let heir = stack.api().await;
    let mut again = heir.anonymous();
    again.session = guest.session.clone();
    let waits = delivery(&again, &webhook, attempted(0)).await;
    assert_eq!(waits["status"], "pending");
    time_passes(&db).await;
    let delivered = delivery(&again, &webhook, |told| told["status"] == "delivered").await;
    assert_eq!(statuses(&delivered), [&json!(200)]);
    let sent = requests(&server, 2).await;
    assert_eq!((sent.len(), id_of(&sent[0])), (2, id_of(&sent[1])));
    assert_eq!(id_of(&sent[0]), delivered["id"].as_str().unwrap());
}

/// A receiver that answers with this status line, and never with its whole body.
async fn unfinished(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    TaskTracker::new().spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).await.unwrap() > 0);
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: 100\r\n\r\nso far");
            stream.write_all(head.as_bytes()).await.unwrap();
            open.push(stream);
        }
    });
    url
}

#[sqlx::test(migrations = "../migrations")]
async fn the_status_line_decides_however_slowly_the_body_comes(db: MySqlPool) {
    let guest = stack(db.clone()).await.with("PUSH_TIMEOUT", "3s").api().await.guest().await;
    let (well, gone) = (unfinished("200 OK").await, unfinished("410 Gone").await);
    let (well, gone) = (create(&guest, &well).await, create(&guest, &gone).await);
    cancelled(&guest).await;
    let delivered = delivery(&guest, &well, attempted(1)).await;
    assert_eq!(
        (&delivered["status"], statuses(&delivered)),
        (&json!("delivered"), vec![&json!(200)])
    );
    eventually("it is disabled", async || {
        let seen = guest.get(&path(&gone, "")).await.body;
        (seen["disabledReason"] == "gone").then_some(())
    })
    .await;
}
