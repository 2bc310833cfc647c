//! Socket.IO with real clients, run by Node: versions 4.x and 2.x, and frames as the Swift client writes them.

use std::process::Stdio;

use sqlx::MySqlPool;
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
