//! Browsers and phones: what their push services get, checked as the real ones check it, and what a failure leads to.

mod browsers;
mod doubles;
mod phones;
mod requests;

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use sqlx::MySqlPool;
use toneup_jobs::job::JobId;
use toneup_jobs::outcome::{JobError, Outcome};
use toneup_platform::identity::UserId;
use toneup_testing::{Client, Stack, end_analyses, eventually};

use self::doubles::{Fcm, PushService};

/// A stack that waits for its database on a machine that is busy.
async fn stack(db: MySqlPool) -> Stack {
    Stack::new(db).await.with("DATABASE_ACQUIRE_TIMEOUT", "20s")
}

/// A stack that sends to browsers by this push service.
async fn browsers(db: MySqlPool) -> (Stack, PushService) {
    let stack = stack(db)
        .await
        .with("VAPID_PRIVATE_KEY", "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
        .with("VAPID_SUBJECT", "mailto:push@toneup.example")
        .with("WEBHOOK_ALLOWED_HOSTS", "127.0.0.0/8");
    (stack, PushService::start().await)
}

/// A stack that sends to phones by this FCM.
async fn phones(db: MySqlPool) -> (Stack, Fcm) {
    let fcm = Fcm::start().await;
    let stack = stack(db)
        .await
        .with("FCM_SERVICE_ACCOUNT", fcm.service_account().await)
        .with("FCM_ENDPOINT", fcm.url());
    (stack, fcm)
}

/// Registers a browser or a phone.
async fn register(guest: &Client, subscription: Value) -> Value {
    let answer = guest.post("/v1/push-subscriptions", subscription).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body
}

fn phone(token: &str) -> Value {
    json!({ "kind": "fcm", "token": token })
}

async fn listed(guest: &Client) -> Vec<Value> {
    let list = guest.get("/v1/push-subscriptions").await;
    list.body["items"].as_array().unwrap_or_else(|| panic!("{list:?}")).clone()
}

/// Something worth telling: an analysis that failed.
async fn failed(db: &MySqlPool, guest: &Client) -> String {
    let analysis = guest.submit(&guest.unused_key()).await["id"].as_str().unwrap().to_owned();
    let user = UserId(guest.user().parse().unwrap());
    let error = JobError::permanent("NO_FACE", "There is no face.");
    let ids = [JobId(analysis.parse().unwrap())];
    end_analyses(db, user, &ids, &Outcome::Failed(error)).await;
    analysis
}

/// The state and the attempts' statuses of the only delivery, when it is `state`.
async fn settled(db: &MySqlPool, state: &str) -> Vec<Option<u16>> {
    eventually(&format!("the delivery is {state}"), async || {
        let query = "SELECT COUNT(*) FROM push_deliveries WHERE state = ?";
        let count: i64 = sqlx::query_scalar(query).bind(state).fetch_one(db).await.unwrap();
        (count > 0).then_some(())
    })
    .await;
    let attempts = "SELECT status FROM push_attempts ORDER BY delivery_id, attempt";
    sqlx::query_scalar(attempts).fetch_all(db).await.unwrap()
}

/// Seconds until the target that failed is tried again, once that is known.
async fn rest(db: &MySqlPool) -> i64 {
    eventually("a pause", async || {
        let query = "SELECT CAST(TIMESTAMPDIFF(SECOND, NOW(3), due_at) AS SIGNED) FROM push_targets
                     WHERE failing_since IS NOT NULL AND lease_token IS NULL";
        sqlx::query_scalar(query).fetch_optional(db).await.unwrap()
    })
    .await
}

/// Ends many analyses one after the other, as a worker does, with its hints; which ones.
async fn many_results(stack: &Stack, guest: &Client) -> BTreeSet<String> {
    const RESULTS: usize = 200;
    let hints = crate::webhooks::hints(stack);
    let mut results = BTreeSet::new();
    while results.len() < RESULTS {
        let analysis = guest.submit(&guest.unused_key()).await["id"].as_str().unwrap().to_owned();
        hints.send(crate::webhooks::end(&stack.pool, guest.user(), &analysis).await);
        results.insert(analysis);
    }
    results
}

/// Each of `results` arrived once. Says how long it took from when it was written, its commit included.
#[expect(clippy::print_stderr, reason = "a measurement, seen with --no-capture")]
async fn each_once(
    channel: &str,
    results: &BTreeSet<String>,
    arrivals: &[(Value, f64)],
    db: &MySqlPool,
) {
    let text = |message: &Value, name: &str| message[name].as_str().unwrap().to_owned();
    let told: Vec<String> = arrivals.iter().map(|(told, _)| text(told, "analysisId")).collect();
    assert_eq!((told.len(), &told.into_iter().collect()), (results.len(), results));
    let written: HashMap<String, f64> =
        sqlx::query_as("SELECT subject_id, UNIX_TIMESTAMP(created_at) * 1e3 FROM push_deliveries")
            .fetch_all(db)
            .await
            .unwrap()
            .into_iter()
            .map(|(id, at): (uuid::Uuid, f64)| (id.to_string(), at))
            .collect();
    let delay = |(told, at): &(Value, f64)| at - written[&text(told, "analysisId")];
    let mut delays: Vec<f64> = arrivals.iter().map(delay).collect();
    delays.sort_by(f64::total_cmp);
    let at = |percent: usize| delays[(delays.len() * percent).div_ceil(100) - 1];
    let (median, most, longest) = (at(50), at(99), at(100));
    eprintln!(
        "{channel}: {} results, p50 {median:.0} ms, p99 {most:.0} ms, longest {longest:.0} ms",
        delays.len()
    );
}
