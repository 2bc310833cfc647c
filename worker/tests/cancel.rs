//! Cancelling what a worker is busy with.

use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::MySqlPool;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use toneup_testing::{Running, Stack, eventually};

/// Events seen by an analyzer that never responds.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Called,
    HungUp,
}

/// An analyzer that reads and never answers; says when it is called, and when the caller hangs up.
async fn silent() -> (String, mpsc::UnboundedReceiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, seen) = mpsc::unbounded_channel();
    let tasks = TaskTracker::new();
    tasks.clone().spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let tell = tell.clone();
            tasks.spawn(async move {
                let (mut buffer, mut head) = ([0; 4096], Vec::new());
                while let Ok(1..) = connection.read(&mut buffer).await.inspect(|read| {
                    head.extend_from_slice(&buffer[..*read]);
                }) {
                    if head.starts_with(b"POST") {
                        head.clear();
                        tell.send(Seen::Called).unwrap();
                    }
                }
                drop(tell.send(Seen::HungUp));
            });
        }
    });
    (url, seen)
}

async fn wait_for(seen: &mut mpsc::UnboundedReceiver<Seen>, what: &Seen) {
    let waiting = async { while seen.recv().await.unwrap() != *what {} };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
}

/// `worker` starts the worker.
async fn a_running_analysis_is_aborted(stack: Stack, worker: impl FnOnce(Stack) -> Running) {
    let (url, mut seen) = silent().await;
    let stack = stack.with("ANALYZER_URLS", url);
    let api = stack.api().await;
    let _worker = worker(stack);
    let guest = api.guest().await;
    let analysis = guest.submit(&guest.upload(b"photo".to_vec()).await).await;
    wait_for(&mut seen, &Seen::Called).await;
    eventually("it runs", async || {
        let path = format!("/v1/analyses/{}", analysis["id"].as_str().unwrap());
        (guest.get(&path).await.body["status"] == "running").then_some(())
    })
    .await;
    let path = format!("/v1/analyses/{}/cancel", analysis["id"].as_str().unwrap());
    let asked = Instant::now();
    let cancelled = guest.post(&path, json!({})).await;
    assert_eq!(cancelled.body["status"], "cancelled", "{cancelled:?}");
    wait_for(&mut seen, &Seen::HungUp).await;
    // A second is promised; tests share the machine with others.
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
}

#[sqlx::test(migrations = "../migrations")]
async fn the_call_of_a_cancelled_analysis_is_aborted(db: MySqlPool) {
    a_running_analysis_is_aborted(Stack::new(db).await, |stack| stack.worker()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_call_of_a_cancelled_analysis_is_aborted_without_redis_too(db: MySqlPool) {
    let stack = Stack::new(db).await.with("REDIS_URL", "redis://127.0.0.1:1");
    a_running_analysis_is_aborted(stack, |stack| stack.worker()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_call_of_a_cancelled_analysis_is_aborted_though_the_hint_is_lost(db: MySqlPool) {
    // The worker is subscribed, and waits in vain.
    let deaf = |stack: Stack| stack.with("REDIS_PREFIX", "without-publisher:").worker();
    a_running_analysis_is_aborted(Stack::new(db).await, deaf).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_running_analysis_ends_at_its_deadline(db: MySqlPool) {
    let (url, mut seen) = silent().await;
    let stack = Stack::new(db).await.with("ANALYZER_URLS", url);
    let (api, _worker) = (stack.api().await, stack.worker());
    let guest = api.guest().await;
    let key = guest.upload(b"photo".to_vec()).await;
    let deadline = time::OffsetDateTime::now_utc() + Duration::from_secs(2);
    let deadline = deadline.format(&time::format_description::well_known::Rfc3339).unwrap();
    let body = json!({ "objectKey": key, "deadline": deadline });
    let analysis = guest.post("/v1/analyses", body).await.body;
    wait_for(&mut seen, &Seen::Called).await;
    let done = crate::jobs::finished(&guest, &analysis).await;
    assert_eq!((&done["status"], &done["attempt"]), (&json!("expired"), &json!(1)));
    wait_for(&mut seen, &Seen::HungUp).await;
}
