//! What operators' tools are told.

use std::process::Stdio;

use sqlx::MySqlPool;
use tokio::process::Command;
use toneup_testing::{Stack, eventually};

#[sqlx::test(migrations = "../migrations")]
async fn metrics_say_how_much_waits_and_how_many_workers_that_takes(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let guest = stack.api().await.guest().await;
    for _ in 0..10 {
        guest.submit(&guest.unused_key()).await;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let _api = Command::new(env!("CARGO_BIN_EXE_toneup-api"))
        .env_clear()
        .envs(stack.environment())
        .env("API_LISTEN", "127.0.0.1:0")
        .env("METRICS_LISTEN", &address)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |path: &str| {
        let answer = http.get(format!("http://{address}{path}")).send().await.ok()?;
        answer.error_for_status().ok()?.text().await.ok()
    };
    let metrics = eventually("the queue is measured", async || {
        ask("/metrics").await.filter(|text| text.contains("toneup_desired_workers"))
    })
    .await;
    // A share of 8 moves while nothing is known of the analyzers; the rest is held.
    let values = [
        "toneup_jobs{state=\"queued\"} 8",
        "toneup_jobs{state=\"held\"} 2",
        "toneup_jobs{state=\"running\"} 0",
        "toneup_desired_workers 1",
    ];
    for line in values {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    assert!(ask("/readyz").await.is_some() && ask("/healthz").await.is_some());
}
