//! Web Push: a service that decrypts by itself and checks who sends.

use std::process::Stdio;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use tokio::process::Command;
use tokio::time::timeout;
use toneup_testing::{Client, SOON, eventually};

use super::{browsers, each_once, failed, listed, many_results, rest, settled};
use crate::people::relate;
use crate::webhooks::{cancelled, succeeded, time_passes};

/// Returns the payload of a push; fails if it was refused.
fn text_of(attempt: &Value) -> Value {
    let text = attempt["text"].as_str().unwrap_or_else(|| panic!("{attempt}"));
    serde_json::from_str(text).unwrap()
}

fn header<'a>(attempt: &'a Value, name: &str) -> &'a str {
    attempt["headers"][name].as_str().unwrap_or_default()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_is_told_the_season_and_nothing_else_of_the_person(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let guest = stack.api().await.guest().await;
    let browser = service.join(&guest).await;
    let analysis = succeeded(&db, &guest).await;

    let attempt = service.attempts(&browser, 1).await.remove(0);
    let told = text_of(&attempt);
    let id = told["id"].as_str().unwrap();
    let expected = json!({
        "id": id, "type": "analysis.succeeded", "analysisId": analysis, "season": "AUTUMN",
    });
    assert_eq!((&attempt["status"], &told), (&json!(201), &expected));
    let ttl: u64 = header(&attempt, "ttl").parse().unwrap();
    assert!((80_000..=86_400).contains(&ttl), "{ttl}");
    assert_eq!(header(&attempt, "urgency"), "high");
    assert_eq!(header(&attempt, "topic"), id.replace('-', ""));
    assert_eq!(settled(&db, "delivered").await, [Some(201)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_failed_is_told_in_a_message_of_the_same_length_and_what_was_withdrawn_is_not(
    db: MySqlPool,
) {
    let (stack, service) = browsers(db.clone()).await;
    let guest = stack.api().await.guest().await;
    let browser = service.join(&guest).await;
    cancelled(&guest).await;
    failed(&db, &guest).await;
    succeeded(&db, &guest).await;

    let attempts = service.attempts(&browser, 2).await;
    let mut told: Vec<Value> = attempts.iter().map(text_of).collect();
    told.sort_by_key(|told| told["type"].to_string());
    assert_eq!(told[0]["type"], "analysis.failed");
    assert_eq!((&told[0]["status"], &told[0]["season"]), (&json!("failed"), &Value::Null));
    assert_eq!(told[1]["season"], "AUTUMN");
    assert_eq!(attempts[0]["length"], attempts[1]["length"]);
    let written: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM push_deliveries").fetch_one(&db).await.unwrap();
    assert_eq!(written, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_that_is_gone_is_forgotten(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let guest = stack.api().await.guest().await;
    for status in [404, 410] {
        let browser = service.join(&guest).await;
        service.script(&browser, json!([{ "status": status }])).await;
        succeeded(&db, &guest).await;
        eventually("it is forgotten", async || listed(&guest).await.is_empty().then_some(())).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_busy_push_service_is_left_alone_and_then_told_the_same(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let guest = stack.api().await.guest().await;
    let browser = service.join(&guest).await;
    let busy = json!({ "status": 429, "headers": { "retry-after": "3600" } });
    service.script(&browser, json!([{ "status": 503 }, busy])).await;
    succeeded(&db, &guest).await;
    assert!(rest(&db).await < 60);
    time_passes(&db).await;
    service.attempts(&browser, 2).await;
    eventually("an hour's rest", async || (rest(&db).await > 3000).then_some(())).await;
    time_passes(&db).await;

    let attempts = service.attempts(&browser, 3).await;
    assert_eq!(settled(&db, "delivered").await, [Some(503), Some(429), Some(201)]);
    let topics: Vec<&str> = attempts.iter().map(|attempt| header(attempt, "topic")).collect();
    let id = text_of(&attempts[2])["id"].as_str().unwrap().replace('-', "");
    assert_eq!(topics, [id.as_str(); 3]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_will_never_be_taken_is_given_up_and_the_browser_kept(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let guest = stack.api().await.guest().await;
    let browser = service.join(&guest).await;
    service.script(&browser, json!([{ "status": 413 }])).await;
    succeeded(&db, &guest).await;
    assert_eq!(settled(&db, "failed").await, [Some(413)]);

    // Subscribed with another key: the service refuses ours.
    sqlx::query("DELETE FROM push_targets").execute(&db).await.unwrap();
    let foreign =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    let browser = service.subscribe(foreign).await;
    super::register(&guest, browser.subscription.clone()).await;
    succeeded(&db, &guest).await;
    eventually("it is given up", async || {
        (settled(&db, "failed").await == [Some(413), Some(403)]).then_some(())
    })
    .await;
    assert_eq!(listed(&guest).await.len(), 1);

    // For days: it is kept no longer.
    let since =
        "UPDATE push_targets SET failing_since = NOW(3) - INTERVAL 6 DAY, held_until = NULL";
    assert_eq!(sqlx::query(since).execute(&db).await.unwrap().rows_affected(), 1);
    time_passes(&db).await;
    succeeded(&db, &guest).await;
    eventually("it is forgotten", async || listed(&guest).await.is_empty().then_some(())).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_crash_after_a_push_sends_it_once_more_with_the_same_id(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    let browser = service.join(&guest).await;
    let analysis = guest.submit(&guest.unused_key()).await;
    assert!(api.stop().await);

    let mut crashing = Command::new(env!("CARGO_BIN_EXE_toneup-api"))
        .env_clear()
        .envs(stack.environment())
        .env("API_LISTEN", "127.0.0.1:0")
        .env("TONEUP_CRASH_AT", "push-sent")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    crate::webhooks::end(&db, guest.user(), analysis["id"].as_str().unwrap()).await;
    let ended = timeout(SOON, crashing.wait()).await.unwrap().unwrap();
    assert!(!ended.success(), "it crashed");

    let _heir = stack.api().await;
    time_passes(&db).await;
    assert_eq!(settled(&db, "delivered").await, [Some(201)]);
    let attempts = service.attempts(&browser, 2).await;
    assert_eq!(attempts.len(), 2);
    assert_eq!(text_of(&attempts[0]), text_of(&attempts[1]));
    assert_eq!(header(&attempts[0], "topic"), header(&attempts[1], "topic"));
}

#[sqlx::test(migrations = "../migrations")]
async fn every_result_of_many_reaches_the_browser_once(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let guest = stack.api().await.guest().await;
    let browser = service.join(&guest).await;
    let results = many_results(&stack, &guest).await;
    let attempts = service.attempts(&browser, results.len()).await;
    let arrivals = attempts.iter().map(|push| (text_of(push), push["at"].as_f64().unwrap()));
    each_once("web_push", &results, &arrivals.collect::<Vec<_>>(), &db).await;
}

/// Follows the other person.
async fn follow(client: &Client, other: &Client) {
    let answer = relate(Method::PUT, client, "follow", other).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_is_rung_for_the_first_and_the_fifth_follower(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let api = stack.api().await;
    let alice = api.guest().await;
    let browser = service.join(&alice).await;
    for followers in 1..=5 {
        let other = api.guest().await;
        follow(&other, &alice).await;
        if followers == 1 {
            service.attempts(&browser, 1).await;
        }
    }
    let attempts = service.attempts(&browser, 2).await;
    let told: Vec<Value> = attempts.iter().map(text_of).collect();
    assert_eq!([&told[0]["type"], &told[0]["others"]], [&json!("person.followed"), &json!("0")]);
    assert_eq!((&told[1]["others"], &told[1]["noticeId"]), (&json!("4"), &told[0]["noticeId"]));
    // The later one replaces what the push service still holds.
    assert_eq!(header(&attempts[0], "topic"), header(&attempts[1], "topic"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_browser_is_left_alone_in_quiet_hours(db: MySqlPool) {
    let (stack, service) = browsers(db.clone()).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let browser = service.join(&alice).await;
    let now = time::OffsetDateTime::now_utc();
    let clock = |hour: u8| format!("{:02}:00", hour % 24);
    let (from, until) = (clock(now.hour()), clock(now.hour() + 2));
    let quiet = json!({ "from": from, "until": until, "utcOffset": 0 });
    let wishes = json!({ "off": [], "quietHours": quiet });
    let request = alice.request(Method::PUT, "/v1/notification-settings").json(&wishes);
    assert_eq!(alice.send(request).await.status, 200);
    follow(&bob, &alice).await;
    let due = "SELECT COUNT(*) FROM push_deliveries
               WHERE state = 'pending' AND due_at > NOW(3) + INTERVAL 55 MINUTE";
    assert_eq!(sqlx::query_scalar::<_, i64>(due).fetch_one(&db).await.unwrap(), 1);
    time_passes(&db).await;
    let told = text_of(&service.attempts(&browser, 1).await[0]);
    assert_eq!(told["type"], "person.followed");
}
