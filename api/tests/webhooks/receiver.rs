//! Verification of the requests by an independent receiver: the specification's own library, in a process of its own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::MySqlPool;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use toneup_testing::repository;

use super::{create, delivery, path, stack, statuses, succeeded, time_passes};

/// A process of its own may be slow to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

struct Receiver {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Receiver {
    async fn start() -> (Self, String) {
        let mut process = Command::new("node")
            .arg("receiver.mjs")
            .current_dir(repository().join("api/tests/browser"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let says = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut receiver = Self { process, says };
        let port = receiver.next().await["port"].as_u64().unwrap();
        (receiver, format!("http://127.0.0.1:{port}/hook"))
    }

    async fn next(&mut self) -> Value {
        let line = timeout(PATIENCE, self.says.next_line()).await.unwrap().unwrap();
        serde_json::from_str(&line.unwrap()).unwrap()
    }

    async fn know(&mut self, secret: &Value) {
        let line = format!("{}\n", secret.as_str().unwrap());
        self.process.stdin.as_mut().unwrap().write_all(line.as_bytes()).await.unwrap();
        assert_eq!(self.next().await, json!({ "secret": true }));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_independent_receiver_verifies_what_it_is_told(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let (mut receiver, url) = Receiver::start().await;
    let webhook = create(&guest, &url).await;
    receiver.know(&webhook["secret"]).await;

    let analysis = succeeded(&db, &guest).await;
    let told = receiver.next().await;
    let delivered = delivery(&guest, &webhook, |told| told["status"] == "delivered").await;
    assert_eq!(
        (&told["id"], &told["payload"]["type"]),
        (&delivered["id"], &json!("analysis.succeeded"))
    );
    assert_eq!(told["payload"]["timestamp"], delivered["createdAt"]);
    let seen = guest.get(&format!("/v1/analyses/{analysis}")).await.body;
    assert_eq!(told["payload"]["data"], seen);
    assert_eq!(seen["result"]["personalColor"], "AUTUMN");
    assert_eq!(
        (statuses(&delivered), &delivered["analysisId"]),
        (vec![&json!(204)], &json!(analysis))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn while_a_secret_is_rotated_the_old_and_the_new_one_verify(db: MySqlPool) {
    let guest = stack(db.clone()).await.api().await.guest().await;
    let (mut receiver, url) = Receiver::start().await;
    let webhook = create(&guest, &url).await;
    let rotated = guest.post(&path(&webhook, "/rotate-secret"), json!({})).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert_ne!(rotated.body["secret"], webhook["secret"]);

    for secret in [&webhook["secret"], &rotated.body["secret"]] {
        receiver.know(secret).await;
        succeeded(&db, &guest).await;
        let told = receiver.next().await;
        assert_eq!(told["payload"]["type"], "analysis.succeeded", "{told}");
        assert_eq!(told["signature"].as_str().unwrap().split(' ').count(), 2);
    }
    // A day later, the first one is good no more; written as it was before secrets were encrypted.
    let secrets = json!([
        { "secret": rotated.body["secret"] },
        { "secret": webhook["secret"], "until": "1999-01-01T00:00:00Z" },
    ]);
    let later = sqlx::query("UPDATE push_targets SET secrets = ?").bind(secrets.to_string());
    later.execute(&db).await.unwrap();
    receiver.know(&webhook["secret"]).await;
    succeeded(&db, &guest).await;
    assert!(receiver.next().await["refused"].is_string());
    delivery(&guest, &webhook, |told| statuses(told) == [&json!(400)]).await;
    receiver.know(&rotated.body["secret"]).await;
    time_passes(&db).await;
    assert_eq!(receiver.next().await["payload"]["type"], "analysis.succeeded");
}
