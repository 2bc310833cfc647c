//! Server-sent events, with changes made by the database's own functions.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_shared::analyses::finish::{Finish, Guard, commit_finish};
use toneup_shared::analyses::outcome::{AnalysisResult, Outcome, PersonalColor};
use toneup_shared::analyses::{AnalysisId, UserId};
use toneup_testing::{Client, Stack, problem_of};

async fn succeed(db: &MySqlPool, client: &Client, analysis: &Value) {
    let result = Box::new(AnalysisResult::bare(PersonalColor::Summer));
    let finish = Finish {
        analysis: AnalysisId(analysis["id"].as_str().unwrap().parse().unwrap()),
        user: UserId(client.user().parse().unwrap()),
        guard: Guard::Active,
        outcome: Outcome::Succeeded(result),
    };
    let ended = commit_finish(&db.clone().into(), &[finish], Duration::ZERO).await.unwrap();
    assert!(ended.changes[0].is_some());
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

#[sqlx::test(migrations = "../migrations")]
async fn a_draining_replica_closes_its_streams(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let api = stack.api().await;
    let guest = api.guest().await;
    let mut events = guest.events("/v1/events", None).await;
    let ending = async {
        assert!(events.next().await.is_none());
        drop(events);
    };
    let ((), drained) = futures_util::join!(ending, api.stop());
    assert!(drained, "in time");
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
