//! Server-sent events, with changes made by the database's own functions.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_api::app::{ApiConfig, purge, purges};
use toneup_colour::result::PersonalColor;
use toneup_jobs::job::JobId;
use toneup_platform::config::Settings;
use toneup_platform::identity::UserId;
use toneup_testing::{Client, Stack, end_analyses, eventually, problem_of, season};

async fn succeed(db: &MySqlPool, client: &Client, analysis: &Value) {
    let user = UserId(client.user().parse().unwrap());
    let ids = [JobId(analysis["id"].as_str().unwrap().parse().unwrap())];
    let ended = end_analyses(db, user, &ids, &season(PersonalColor::Summer)).await;
    assert!(ended[0].is_some());
}

fn events_of(analysis: &Value) -> String {
    format!("/v1/analyses/{}/events", analysis["id"].as_str().unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_of_one_analysis_tells_each_change_and_ends_after_the_last(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    let mut events = guest.events(&events_of(&analysis), None).await;
    let (id, first) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &first["status"]), ("", &json!("queued")));

    succeed(&stack.pool, &guest, &analysis).await;
    let (id, last) = events.find(|analysis| analysis["status"] == "succeeded").await;
    assert_eq!((id.as_str(), &last["result"]["personalColor"]), ("1", &json!("SUMMER")));
    assert!(events.next().await.is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_that_has_seen_the_end_is_told_not_to_return(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.unused_key()).await;
    succeed(&stack.pool, &guest, &analysis).await;
    let request = guest.request(Method::GET, &events_of(&analysis)).header("last-event-id", "1");
    assert_eq!(guest.send(request).await.status, 204);
    let mut late = guest.events(&events_of(&analysis), Some("0")).await;
    assert_eq!(late.next().await.unwrap().0, "1");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_reconnecting_client_is_told_what_it_missed_once_and_in_order(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let mut analyses = Vec::new();
    for _ in 0..3 {
        analyses.push(guest.submit(&guest.unused_key()).await);
    }
    let mut events = guest.events("/v1/events", None).await;
    for analysis in &analyses {
        assert_eq!(&events.next().await.unwrap().1["id"], &analysis["id"], "the snapshot");
    }
    succeed(&stack.pool, &guest, &analyses[2]).await;
    assert_eq!(events.find(|event| event["status"] == "succeeded").await.0, "1");
    drop(events);

    succeed(&stack.pool, &guest, &analyses[0]).await;
    succeed(&stack.pool, &guest, &analyses[1]).await;
    let mut resumed = guest.events("/v1/events", Some("1")).await;
    for (id, analysis) in [("2", &analyses[0]), ("3", &analyses[1])] {
        let (got, event) = resumed.next().await.unwrap();
        assert_eq!((got.as_str(), &event["id"]), (id, &analysis["id"]));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_tells_nobody_elses_analyses(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let mut events = bob.events("/v1/events", Some("0")).await;
    let foreign = alice.submit(&alice.unused_key()).await;
    succeed(&stack.pool, &alice, &foreign).await;
    let own = bob.submit(&bob.unused_key()).await;
    assert_eq!(events.next().await.unwrap().1["id"], own["id"]);
}

/// Submits and ends so many.
async fn history(stack: &Stack, guest: &Client, count: usize) -> Vec<Value> {
    let mut ended = Vec::new();
    for _ in 0..count {
        let analysis = guest.submit(&guest.unused_key()).await;
        succeed(&stack.pool, guest, &analysis).await;
        ended.push(analysis);
    }
    ended
}

/// Makes events old, and deletes what is older than it may be.
async fn forget(stack: &Stack, up_to: u64) {
    let old = "UPDATE events SET created_at = created_at - INTERVAL 8 DAY WHERE seq <= ?";
    sqlx::query(old).bind(up_to).execute(&stack.pool).await.unwrap();
    let settings = Settings::from_vars(stack.environment().clone());
    for rule in purges(&ApiConfig::load(&settings).unwrap().features) {
        purge(&stack.pool.clone().into(), &rule).await.unwrap();
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_whose_history_is_gone_is_told_so_and_goes_on_with_what_is_left(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let ended = history(&stack, &guest, 4).await;
    forget(&stack, 2).await;
    let active = guest.submit(&guest.unused_key()).await;

    let mut events = guest.events("/v1/events", Some("1")).await;
    let (kind, id, problem) = events.next_of_any_kind().await.unwrap();
    assert_eq!((kind.as_str(), id.as_str()), ("error", "2"));
    assert_eq!((&problem["code"], &problem["status"]), (&json!("history_gone"), &json!(410)));
    assert!(problem["traceId"].is_string() && problem["detail"].is_string(), "{problem}");
    assert_eq!(events.next().await.unwrap().1["id"], active["id"], "what is active");
    for (id, analysis) in [("3", &ended[2]), ("4", &ended[3])] {
        let (got, event) = events.next().await.unwrap();
        assert_eq!((got.as_str(), &event["id"]), (id, &analysis["id"]));
    }
    // The analyses themselves stay; and whoever has seen the last one that is gone misses nothing.
    assert_eq!(guest.get("/v1/analyses").await.body["items"].as_array().unwrap().len(), 5);
    let mut whole = guest.events("/v1/events", Some("2")).await;
    assert_eq!(whole.next().await.unwrap().1["id"], active["id"]);
    assert_eq!(whole.next().await.unwrap().0, "3");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_that_is_ahead_of_a_restored_log_is_told_all_of_it(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let ended = history(&stack, &guest, 1).await;
    let mut events = guest.events("/v1/events", Some("7")).await;
    let (kind, id, problem) = events.next_of_any_kind().await.unwrap();
    assert_eq!((kind.as_str(), &problem["code"]), ("error", &json!("history_gone")));
    assert_eq!(id, "0");
    let (id, event) = events.next().await.unwrap();
    assert_eq!((id.as_str(), &event["id"]), ("1", &ended[0]["id"]));
    // Nor does a number that is yet to come say that the end of this analysis was seen.
    let mut one = guest.events(&events_of(&ended[0]), Some("7")).await;
    assert_eq!(one.next().await.unwrap().0, "1");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_that_has_seen_everything_of_a_forgotten_log_misses_nothing(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    history(&stack, &guest, 2).await;
    forget(&stack, 2).await;
    let mut events = guest.events("/v1/events", Some("2")).await;
    let next = guest.submit(&guest.unused_key()).await;
    succeed(&stack.pool, &guest, &next).await;
    assert_eq!(events.find(|event| event["status"] == "succeeded").await.0, "3");
    let mut behind = guest.events("/v1/events", Some("1")).await;
    let (kind, id, _) = behind.next_of_any_kind().await.unwrap();
    assert_eq!((kind.as_str(), id.as_str()), ("error", "2"));
    assert_eq!(behind.next().await.unwrap().0, "3");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ticket_opens_one_stream_once(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let (guest, anonymous) = (api.guest().await, api.anonymous());
    let analysis = guest.submit(&guest.unused_key()).await;
    let ticket = async || {
        let answer = guest.post("/v1/stream-tickets", json!({})).await;
        assert_eq!((answer.status.as_u16(), &answer.body["expiresIn"]), (201, &json!(60)));
        answer.body["ticket"].as_str().unwrap().to_owned()
    };
    for path in ["/v1/events".to_owned(), events_of(&analysis)] {
        let path = format!("{path}?ticket={}", ticket().await);
        let mut events = anonymous.events(&path, None).await;
        assert_eq!(events.next().await.unwrap().1["id"], analysis["id"]);
        assert_eq!(problem_of(&anonymous.get(&path).await).1, "unauthenticated", "used");
    }
    assert_eq!(problem_of(&anonymous.post("/v1/stream-tickets", json!({})).await).0, 401);
    let unknown = anonymous.get("/v1/events?ticket=nonsense").await;
    assert_eq!(problem_of(&unknown).1, "unauthenticated");

    let late = format!("/v1/events?ticket={}", ticket().await);
    let expire = "UPDATE stream_tickets SET expires_at = NOW(3) - INTERVAL 1 SECOND";
    sqlx::query(expire).execute(&stack.pool).await.unwrap();
    assert_eq!(problem_of(&anonymous.get(&late).await).1, "unauthenticated", "expired");
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("SELECT ticket_hash FROM stream_tickets")
        .fetch_all(&stack.pool)
        .await
        .unwrap();
    assert!(kept.is_empty(), "a used ticket is forgotten");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_that_is_refused_uses_no_ticket_up(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    let ticket = guest.post("/v1/stream-tickets", json!({})).await.body;
    let path = format!("/v1/events?ticket={}", ticket["ticket"].as_str().unwrap());
    let request = guest.request(Method::GET, &path).header("accept", "application/json");
    assert_eq!(problem_of(&guest.send(request).await).1, "not_acceptable");
    let analysis = guest.submit(&guest.unused_key()).await;
    let mut events = guest.events(&path, None).await;
    assert_eq!(events.next().await.unwrap().1["id"], analysis["id"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn without_redis_the_end_is_told_all_the_same(db: MySqlPool) {
    let stack = Stack::new(db).await.with("REDIS_URL", "redis://127.0.0.1:1/0");
    let guest = stack.api().await.guest().await;
    let mut events = guest.events("/v1/events", None).await;
    let analysis = guest.submit(&guest.unused_key()).await;
    assert_eq!(events.next().await.unwrap().1["status"], "queued");
    succeed(&stack.pool, &guest, &analysis).await;
    assert_eq!(events.find(|event| event["status"] == "succeeded").await.0, "1");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_draining_replica_closes_its_streams_and_says_when_to_return(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    guest.submit(&guest.unused_key()).await;
    let request = guest.request(Method::GET, "/v1/events");
    let mut stream = request.send().await.unwrap();
    let mut text = String::from_utf8(stream.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let ending = async {
        while let Some(chunk) = stream.chunk().await.unwrap() {
            text += std::str::from_utf8(&chunk).unwrap();
        }
        drop(stream);
    };
    let ((), drained) = futures_util::join!(ending, api.stop());
    assert!(drained, "in time");
    assert!(text.starts_with("id: 0\n\nevent: analysis\n"), "{text}");
    assert!(text.contains("retry: 500\n"), "{text}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_client_that_takes_no_events_is_refused(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let request = guest.request(Method::GET, "/v1/events");
    let json = guest.send(request.header("accept", "application/json")).await;
    assert_eq!(problem_of(&json).1, "not_acceptable");
    let request = guest.request(Method::GET, "/v1/events").header("last-event-id", "x");
    assert_eq!(problem_of(&guest.send(request).await).2, ["Last-Event-ID"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_user_and_a_replica_hold_so_many_streams(db: MySqlPool) {
    let stack = Stack::new(db).await.with("STREAMS_PER_USER", "2");
    let api = stack.with("STREAMS_PER_REPLICA", "3").api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let ask = async |client: &Client| {
        client.request(Method::GET, "/v1/events").send().await.unwrap().status().as_u16()
    };
    let mut open =
        vec![alice.events("/v1/events", None).await, alice.events("/v1/events", None).await];
    let third = alice.get("/v1/events").await;
    assert_eq!(problem_of(&third), (429, "too_many_streams".to_owned(), vec![]));
    open.push(bob.events("/v1/events", None).await);
    let full = bob.get("/v1/events").await;
    assert_eq!(problem_of(&full), (503, "unavailable".to_owned(), vec![]));
    assert_eq!(full.header("retry-after"), "2");
    drop(open);
    eventually("the streams are closed", async || (ask(&alice).await == 200).then_some(())).await;
}
