//! Socket.IO with real clients, run by Node: versions 4.x and 2.x, and frames as the Swift client writes them.

use std::process::Stdio;

use sqlx::MySqlPool;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use toneup_testing::{Stack, repository};

/// Runs files of the suite against addresses; fails with what they say.
async fn run(files: &[&str], urls: &[&str]) {
    let suite = Command::new("node")
        .args(["--test", "--test-reporter=spec", "--test-concurrency=1"])
        .args(files)
        .current_dir(repository().join("api/tests/sockets"))
        .env("TONEUP_URLS", urls.join(","))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (told, complained) =
        (String::from_utf8_lossy(&suite.stdout), String::from_utf8_lossy(&suite.stderr));
    assert!(suite.status.success(), "{told}{complained}");
    assert!(told.contains("tests ") && !told.contains("tests 0"), "it ran nothing: {told}");
}

#[sqlx::test(migrations = "../migrations")]
async fn clients_of_all_versions_talk_through_two_replicas(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let ((first, alias), second) = (stack.api_with_sockets().await, stack.api().await);
    run(&["clients.test.mjs"], &[&first.url, &second.url, &alias]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn hostile_clients_are_refused_bounded_and_told_nothing(db: MySqlPool) {
    let api = Stack::new(db).await.api().await;
    run(&["hostile.test.mjs"], &[&api.url, &api.url, &api.url]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn without_redis_everything_that_is_stored_comes_by_the_clock(db: MySqlPool) {
    let stack = Stack::new(db).await.with("REDIS_URL", "redis://127.0.0.1:1/0");
    let (first, second) = (stack.api().await, stack.api().await);
    run(&["unhinted.test.mjs"], &[&first.url, &second.url, &first.url]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_that_expires_is_renewed_or_ends_the_connection(db: MySqlPool) {
    let api = Stack::new(db).await.with("ACCESS_TOKEN_TTL", "4s").api().await;
    run(&["expiry.test.mjs"], &[&api.url, &api.url, &api.url]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_replica_that_drains_sends_its_clients_elsewhere_without_a_loss(db: MySqlPool) {
    let stack = Stack::new(db).await;
    let (first, second) = (stack.api().await, stack.api().await);
    let mut script = Command::new("node")
        .arg("drain.mjs")
        .current_dir(repository().join("api/tests/sockets"))
        .env("TONEUP_URLS", [&*first.url, &second.url, &first.url].join(","))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("READY"));
    assert!(first.stop().await, "it ends in time, whoever is connected");
    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("DONE"));
    assert!(script.wait().await.unwrap().success());
}
