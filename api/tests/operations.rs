//! Metrics and readiness of the api's process.

use std::process::Stdio;

use sqlx::MySqlPool;
use tokio::process::Command;
use toneup_testing::{SOON, Stack, eventually};

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap()
}

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
    // A share of 8 moves while nothing is known of the analyzers; the rest is held. Replicas share a picture of the queue,
    // which may be one of before.
    let values = [
        "toneup_jobs{state=\"queued\"} 8",
        "toneup_jobs{state=\"held\"} 2",
        "toneup_jobs{state=\"running\"} 0",
        "toneup_desired_workers 1",
    ];
    eventually("the queue is measured", async || {
        let metrics = ask("/metrics").await?;
        values.iter().all(|line| metrics.lines().any(|found| found == *line)).then_some(())
    })
    .await;
    assert!(ask("/readyz").await.is_some() && ask("/healthz").await.is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn an_api_that_was_asked_to_end_says_so_and_serves_until_its_delay_is_over(db: MySqlPool) {
    let stack = Stack::new(db).await.with("API_DRAIN_DELAY", "1h");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut api = Command::new(env!("CARGO_BIN_EXE_toneup-api"))
        .env_clear()
        .envs(stack.environment())
        .env("API_LISTEN", &address)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let http = http();
    let readiness = async || {
        let answer = http.get(format!("http://{address}/readyz")).send().await.ok()?;
        Some(answer.status().as_u16())
    };
    let terminate = async |pid: u32| {
        let killed = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
        assert!(killed.unwrap().success());
    };
    let pid = api.id().unwrap();
    eventually("it serves", async || readiness().await.filter(|status| *status == 200)).await;

    terminate(pid).await;
    eventually("it is not ready", async || readiness().await.filter(|status| *status == 503)).await;
    let session = http.post(format!("http://{address}/v1/sessions/guest")).send().await.unwrap();
    assert!(session.status().is_success(), "{}", session.status());

    terminate(pid).await;
    let ended = tokio::time::timeout(SOON, api.wait()).await;
    assert!(ended.expect("a second signal ends it").unwrap().success());
}
