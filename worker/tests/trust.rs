//! A worker among servers whose certificates it has no reason to trust.

use std::process::Stdio;

use sqlx::MySqlPool;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;
use toneup_testing::{Authority, SOON, Stack, eventually};

#[sqlx::test(migrations = "../migrations")]
async fn a_worker_that_trusts_no_server_says_why_and_lives_on(db: MySqlPool) {
    let (ours, stranger) = (Authority::default(), Authority::default());
    let stack = Stack::new(db).await.with("TLS_CA_FILE", ours.file());
    let broker = stranger.before(stack.amqp_url(), "amqps").await;
    let redis = stranger.before(&stack.environment()["REDIS_URL"], "rediss").await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut worker = Command::new(env!("CARGO_BIN_EXE_toneup-worker"))
        .env_clear()
        .envs(stack.environment())
        // The server that it shares with the other tests has no certificate of ours.
        .env("DATABASE_URL", format!("{}?ssl-mode=DISABLED", stack.environment()["DATABASE_URL"]))
        .env("AMQP_URL", &broker.url)
        .env("REDIS_URL", &redis.url)
        .env("METRICS_LISTEN", &address)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();

    let mut log = BufReader::new(worker.stdout.take().unwrap()).lines();
    let told = async {
        let mut untold = vec!["broker session ended", "cannot subscribe to Redis"];
        while !untold.is_empty() {
            let line = log.next_line().await.unwrap().unwrap();
            untold.retain(|told| !(line.contains(told) && line.contains("UnknownIssuer")));
        }
    };
    timeout(SOON, told).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap();
    let status = async |path: &str| {
        let asked = http.get(format!("http://{address}{path}")).send().await;
        asked.ok().map(|answer| answer.status().as_u16())
    };
    assert_eq!(eventually("it serves", async || status("/healthz").await).await, 200);
    assert_eq!(status("/readyz").await, Some(503));
    assert!(worker.try_wait().unwrap().is_none(), "it lives");
}
