//! Cancellation and deadlines of analyses, and limits on a caller's unfinished ones and on the queue.

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use toneup_testing::{Client, Stack, eventually, photo, problem_of};
use uuid::Uuid;

fn path(analysis: &Value) -> String {
    format!("/v1/analyses/{}", analysis["id"].as_str().unwrap())
}

fn cancel(analysis: &Value) -> String {
    format!("{}/cancel", path(analysis))
}

fn in_seconds(seconds: i64) -> String {
    (OffsetDateTime::now_utc() + Duration::seconds(seconds)).format(&Rfc3339).unwrap()
}

async fn submit(guest: &Client, deadline: &str) -> toneup_testing::Answer {
    let body = json!({ "objectKey": guest.unused_key(), "deadline": deadline });
    guest.post("/v1/analyses", body).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_queued_analysis_is_cancelled_at_once_and_for_good(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let guest = api.guest().await;
    let mut events = guest.events("/v1/events", None).await;
    let analysis = guest.submit(&guest.unused_key()).await;
    for _ in 0..2 {
        let answer = guest.post(&cancel(&analysis), json!({})).await;
        assert_eq!((answer.status.as_u16(), &answer.body["status"]), (200, &json!("cancelled")));
    }
    let (id, told) = events.find(|event| event["finishedAt"].is_string()).await;
    assert_eq!((id.as_str(), &told["error"]["code"]), ("1", &json!("CANCELLED")));
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_cancels_what_another_user_has_or_what_has_ended(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let analysis = alice.submit(&alice.unused_key()).await;
    let refused = bob.post(&cancel(&analysis), json!({})).await;
    assert_eq!(problem_of(&refused), (404, "not_found".to_owned(), vec![]));
    let soon = submit(&alice, &in_seconds(1)).await.body;
    let expired = alice.get(&format!("{}?wait=10", path(&soon))).await.body;
    assert_eq!((&expired["status"], &expired["startedAt"]), (&json!("expired"), &Value::Null));
    let refused = alice.post(&cancel(&soon), json!({})).await;
    assert_eq!(problem_of(&refused), (409, "already_finished".to_owned(), vec![]));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_deadline_that_makes_no_sense_is_refused_with_its_field(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    for deadline in [in_seconds(-1), in_seconds(8 * 86_400), "soon".to_owned()] {
        let (status, code, fields) = problem_of(&submit(&guest, &deadline).await);
        assert_eq!((status, code.as_str()), (422, "validation_failed"), "{deadline}");
        assert_eq!(fields, ["deadline"]);
    }
    let form =
        Form::new().part("image", Part::bytes(photo("face.jpg"))).text("deadline", in_seconds(60));
    let sent = guest.send(guest.request(Method::POST, "/v1/analyses").multipart(form)).await;
    assert_eq!(sent.status, 202, "{sent:?}");
    assert!(sent.body["deadline"].is_string());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_deadline_that_cannot_be_met_is_told_at_submit_with_the_estimate(db: MySqlPool) {
    // One analysis took 40 s just now.
    sqlx::query(
        "INSERT INTO jobs (id, kind, user_id, payload, status, created_at, started_at, finished_at)
         VALUES (?, 'analysis', ?, '{}', 'succeeded', NOW(3) - INTERVAL 41 SECOND,
                 NOW(3) - INTERVAL 40 SECOND, NOW(3))",
    )
    .bind(Uuid::now_v7())
    .bind(Uuid::now_v7())
    .execute(&db)
    .await
    .unwrap();
    let guest = Stack::new(db).await.api().await.guest().await;
    let refused = eventually("the rate is known", async || {
        let answer = submit(&guest, &in_seconds(20)).await;
        (answer.status == 422).then_some(answer)
    })
    .await;
    assert_eq!(problem_of(&refused).1, "deadline_unreachable");
    assert!(refused.body["estimatedWaitSeconds"].as_f64().unwrap() >= 40.0, "{refused:?}");
    assert_eq!(submit(&guest, &in_seconds(3000)).await.status, 202);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_accepted_is_found_again_although_its_deadline_has_passed(db: MySqlPool) {
    let guest = Stack::new(db).await.api().await.guest().await;
    let body = json!({ "objectKey": guest.unused_key(), "deadline": in_seconds(1) });
    let submit = async |key: &str| {
        let request = guest.request(Method::POST, "/v1/analyses").header("idempotency-key", key);
        guest.send(request.json(&body)).await
    };
    let first = submit("k").await;
    assert_eq!(first.status, 202);
    let expired = guest.get(&format!("{}?wait=30", path(&first.body))).await.body;
    assert_eq!(expired["status"], "expired");
    let again = submit("k").await;
    assert_eq!((again.status.as_u16(), &again.body["id"]), (202, &first.body["id"]));
    assert_eq!(problem_of(&submit("another").await).1, "validation_failed");
}

#[sqlx::test(migrations = "../migrations")]
async fn who_has_too_many_is_told_when_to_come_back(db: MySqlPool) {
    let api = Stack::new(db).await.with("JOB_USER_CEILING", "2").api().await;
    let (alice, bob) = (api.guest().await, api.guest().await);
    let first = alice.submit(&alice.unused_key()).await;
    alice.submit(&alice.unused_key()).await;
    let refused = submit(&alice, &in_seconds(60)).await;
    assert_eq!(problem_of(&refused), (429, "too_many_analyses".to_owned(), vec![]));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    bob.submit(&bob.unused_key()).await;
    alice.post(&cancel(&first), json!({})).await;
    alice.submit(&alice.unused_key()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_full_queue_takes_no_more(db: MySqlPool) {
    let guest = Stack::new(db).await.with("JOB_CEILING", "1").api().await.guest().await;
    guest.submit(&guest.unused_key()).await;
    let refused = eventually("the queue is seen", async || {
        let answer = submit(&guest, &in_seconds(60)).await;
        (answer.status == 429).then_some(answer)
    })
    .await;
    assert_eq!(problem_of(&refused).1, "queue_full");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
}
