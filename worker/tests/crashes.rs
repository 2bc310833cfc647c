//! A worker that ends without a word at any place between its claim and its acknowledgement.

use std::process::Stdio;

use serde_json::json;
use sqlx::MySqlPool;
use tokio::process::Command;
use toneup_testing::{JOBS_QUEUE, Stack, eventually};
use wiremock::ResponseTemplate;

use crate::jobs::{analyzer, calls, finished, season};

/// Cost of a crash: attempts started, and photos sent to the analyzer.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    attempts: u64,
    calls: usize,
}

/// Lets a worker crash at `point` and another go on; every job ends once, and well.
async fn cost_of_crashing_at(point: &str, first_answer: ResponseTemplate, db: MySqlPool) -> Cost {
    let analyzer = analyzer(&[first_answer, season()]).await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", analyzer.uri());
    let guest = stack.api().await.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;

    let mut crashing = Command::new(env!("CARGO_BIN_EXE_toneup-worker"))
        .env_clear()
        .envs(stack.environment())
        .env("TONEUP_CRASH_AT", point)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), crashing.wait()).await;
    assert!(!ended.unwrap().unwrap().success(), "it crashed");

    let _heir = stack.worker();
    let done = finished(&guest, &analysis).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    eventually("its message is gone", async || {
        (stack.messages_in(JOBS_QUEUE).await? == 0).then_some(())
    })
    .await;
    let events: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM events").fetch_one(&stack.pool).await.unwrap();
    assert_eq!(events, 1);
    Cost { attempts: done["attempt"].as_u64().unwrap(), calls: calls(&analyzer).await }
}

macro_rules! crashes {
    ($($test:ident: $point:literal, $answer:expr => $attempts:literal, $calls:literal;)*) => {$(
        #[sqlx::test(migrations = "../migrations")]
        async fn $test(db: MySqlPool) {
            let cost = cost_of_crashing_at($point, $answer, db).await;
            assert_eq!(cost, Cost { attempts: $attempts, calls: $calls });
        }
    )*};
}

crashes! {
    a_crash_after_the_claim_costs_an_attempt: "claimed", season() => 2, 1;
    a_crash_with_the_photo_costs_an_attempt: "photo-read", season() => 2, 1;
    a_crash_before_the_call_costs_an_attempt: "admitted", season() => 2, 1;
    a_crash_after_the_answer_costs_an_attempt_and_a_call: "answered", season() => 2, 2;
    a_crash_before_the_commit_costs_an_attempt_and_a_call: "finishing", season() => 2, 2;
    a_crash_after_the_commit_costs_nothing: "finished", season() => 1, 1;
    a_crash_before_the_acknowledgement_costs_nothing: "settled", season() => 1, 1;
    a_crash_after_the_acknowledgement_costs_nothing: "acked", season() => 1, 1;
    a_crash_after_a_failed_attempt_costs_nothing_more: "retried", failure() => 2, 2;
}

fn failure() -> ResponseTemplate {
    let problem = json!({ "detail": "no" });
    ResponseTemplate::new(500).set_body_json(problem).insert_header("retry-after-ms", "100")
}
