//! A queue that loses its messages behind our back.

use std::time::Duration;

use lapin::options::{QueueDeleteOptions, QueuePurgeOptions};
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::Value;
use sqlx::MySqlPool;
use toneup_testing::{Client, JOBS_QUEUE, Running, Stack, eventually};

use crate::jobs::{analyzer, calls, finished, season};

/// An api whose queue holds three messages, all of them confirmed and noted.
async fn backlog(stack: &Stack) -> (Running, Client, Vec<Value>) {
    let api = stack.api().await;
    let guest = api.guest().await;
    let key = guest.upload(b"photo".to_vec()).await;
    let mut analyses = Vec::new();
    for _ in 0..3 {
        analyses.push(guest.submit(&key).await);
    }
    eventually("all are published", async || {
        let count = "SELECT COUNT(*) FROM jobs WHERE published_at IS NOT NULL";
        let published: i64 = sqlx::query_scalar(count).fetch_one(&stack.pool).await.unwrap();
        (published == 3).then_some(())
    })
    .await;
    (api, guest, analyses)
}

async fn broker(stack: &Stack) -> (Connection, Channel) {
    let connection =
        Connection::connect(stack.amqp_url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_purged_queue_is_noticed_and_each_job_is_done_once(db: MySqlPool) {
    let analyzer = analyzer(&[season()]).await;
    let stack = Stack::new(db)
        .await
        .with("ANALYZER_URLS", analyzer.uri())
        .with("JOB_AUDIT_INTERVAL", "200ms");
    let (_api, guest, analyses) = backlog(&stack).await;
    let (_connection, channel) = broker(&stack).await;
    channel.queue_purge(JOBS_QUEUE.into(), QueuePurgeOptions::default()).await.unwrap();
    let _worker = stack.worker();
    for analysis in &analyses {
        assert_eq!(finished(&guest, analysis).await["status"], "succeeded");
    }
    assert_eq!(calls(&analyzer).await, 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_deleted_queue_is_made_again_by_the_api_alone(db: MySqlPool) {
    let stack = Stack::new(db).await.with("JOB_AUDIT_INTERVAL", "200ms");
    let (_api, _guest, _) = backlog(&stack).await;
    let (_connection, channel) = broker(&stack).await;
    channel.queue_delete(JOBS_QUEUE.into(), QueueDeleteOptions::default()).await.unwrap();
    eventually("every message is back", async || {
        (stack.messages_in(JOBS_QUEUE).await? == 3).then_some(())
    })
    .await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_messages_of_a_backlog_do_not_multiply(db: MySqlPool) {
    let stack =
        Stack::new(db).await.with("JOB_AUDIT_INTERVAL", "50ms").with("JOB_PUBLISH_GRACE", "200ms");
    let (_api, guest, _) = backlog(&stack).await;
    let key = guest.unused_key();
    for _ in 0..20 {
        guest.submit(&key).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let lost = "SELECT COUNT(*) FROM job_transitions";
    let entries: i64 = sqlx::query_scalar(lost).fetch_one(&stack.pool).await.unwrap();
    assert_eq!(entries, 0, "nothing was thought lost");
}
