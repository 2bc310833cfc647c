//! Webhooks on real sockets: what receivers get, what their owners see, and what a failure leads to.

mod failures;
mod looks;
mod receiver;
mod requests;

use serde_json::{Value, json};
use sqlx::MySqlPool;
use tokio_util::task::TaskTracker;
use toneup_colour::result::PersonalColor;
use toneup_jobs::hints::Hints;
use toneup_jobs::job::{Changed, JobId};
use toneup_platform::config::Settings;
use toneup_platform::identity::UserId;
use toneup_testing::{Client, Stack, end_analyses, eventually, season};
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// A stack whose webhooks may lead to this machine.
async fn stack(db: MySqlPool) -> Stack {
    Stack::new(db).await.with("WEBHOOK_ALLOWED_HOSTS", "127.0.0.0/8")
}

/// A receiver that gives these answers, and the last of them for ever.
async fn receiver(answers: &[ResponseTemplate]) -> MockServer {
    // Not one of the pool: a late request of another test would come here.
    let server = MockServer::builder().start().await;
    answer(&server, answers).await;
    server
}

async fn answer(server: &MockServer, answers: &[ResponseTemplate]) {
    let (last, first) = answers.split_last().unwrap();
    for answer in first {
        let once = Mock::given(method("POST")).respond_with(answer.clone()).up_to_n_times(1);
        once.mount(server).await;
    }
    Mock::given(method("POST")).respond_with(last.clone()).mount(server).await;
}

fn status(code: u16) -> ResponseTemplate {
    ResponseTemplate::new(code)
}

/// Requests that came, when there are `count`.
async fn requests(server: &MockServer, count: usize) -> Vec<Request> {
    eventually("requests", async || {
        let requests = server.received_requests().await.unwrap();
        (requests.len() >= count).then_some(requests)
    })
    .await
}

fn id_of(request: &Request) -> &str {
    request.headers["webhook-id"].to_str().unwrap()
}

fn body_of(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

async fn create(guest: &Client, url: &str) -> Value {
    let answer = guest.post("/v1/webhooks", json!({ "url": url })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body
}

fn path(webhook: &Value, rest: &str) -> String {
    format!("/v1/webhooks/{}{rest}", webhook["id"].as_str().unwrap())
}

/// Something worth telling: an analysis that is withdrawn.
pub(crate) async fn cancelled(guest: &Client) -> Value {
    let analysis = guest.submit(&guest.unused_key()).await;
    let path = format!("/v1/analyses/{}/cancel", analysis["id"].as_str().unwrap());
    let answer = guest.post(&path, json!({})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Something worth telling: an analysis that ends well.
pub(crate) async fn succeeded(db: &MySqlPool, guest: &Client) -> String {
    let analysis = guest.submit(&guest.unused_key()).await["id"].as_str().unwrap().to_owned();
    end(db, guest.user(), &analysis).await;
    analysis
}

/// Ends an analysis well, as a worker does; answers its hint, which is lost unless the caller sends it.
pub(crate) async fn end(db: &MySqlPool, user: &str, analysis: &str) -> Option<Changed> {
    let (user, ids) = (UserId(user.parse().unwrap()), [JobId(analysis.parse().unwrap())]);
    end_analyses(db, user, &ids, &season(PersonalColor::Autumn)).await.remove(0)
}

/// Sends hints as a process of the stack does.
pub(crate) fn hints(stack: &Stack) -> Hints {
    let settings = Settings::from_vars(stack.environment().clone());
    Hints::spawn(&settings.section().unwrap(), &TaskTracker::new()).unwrap()
}

/// Makes it as late as it would be after all waits.
pub(crate) async fn time_passes(db: &MySqlPool) {
    for statement in [
        "UPDATE push_deliveries SET due_at = NOW(3) WHERE due_at IS NOT NULL",
        "UPDATE push_targets SET due_at = NOW(3), held_until = NULL WHERE due_at IS NOT NULL",
    ] {
        sqlx::query(statement).execute(db).await.unwrap();
    }
}

/// The newest delivery of a webhook, when `wanted` likes it.
async fn delivery(guest: &Client, webhook: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("the delivery", async || {
        let log = guest.get(&path(webhook, "/deliveries")).await.body;
        let newest = log["items"][0].clone();
        (newest.is_object() && wanted(&newest)).then_some(newest)
    })
    .await
}

fn attempted(count: usize) -> impl Fn(&Value) -> bool {
    move |delivery| delivery["attempts"].as_array().unwrap().len() == count
}

fn statuses(delivery: &Value) -> Vec<&Value> {
    delivery["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect()
}
