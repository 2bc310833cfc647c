//! A replica and Redis die in the middle of a thousand results: every client has every result.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use serde_json::Value;
use sqlx::MySqlPool;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use toneup_colour::result::PersonalColor;
use toneup_jobs::hints::Hints;
use toneup_jobs::job::JobId;
use toneup_jobs::store::submit::NewJob;
use toneup_platform::config::{RedisConfig, Settings};
use toneup_platform::identity::UserId;
use toneup_testing::{Client, Stack, end_batch, eventually, insert_analyses, new_analysis, season};

const USERS: usize = 20;
const RESULTS_EACH: usize = 50;
/// Results that are stored together.
const BATCH: usize = 25;
/// A line without a word for so long is given up, as our clients do.
const SILENCE: Duration = Duration::from_secs(40);

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A Redis of the test's own, so that it can be killed.
fn redis(port: u16) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
        .current_dir(std::env::temp_dir())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// An api as a process, so that it can be killed; ready when this returns.
async fn api(stack: &Stack) -> (Child, String) {
    let address = format!("127.0.0.1:{}", free_port());
    let process = Command::new(env!("CARGO_BIN_EXE_toneup-api"))
        .envs(stack.environment())
        .env("API_LISTEN", &address)
        .env("RUST_LOG", "off")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (url, http) = (format!("http://{address}"), reqwest::Client::builder().no_proxy());
    let http = http.build().unwrap();
    eventually("the api is ready, with hints", async || {
        let ready = http.get(format!("{url}/readyz")).send().await.ok()?;
        (ready.json::<Value>().await.ok()?["hints"] == true).then_some(())
    })
    .await;
    (process, url)
}

/// A client that reads its stream at one replica after the other, and goes on where it was.
struct Follower {
    http: reqwest::Client,
    apis: [String; 2],
    token: String,
    last: u64,
    ended: BTreeSet<String>,
}

impl Follower {
    /// Follows until it has every result; answers them.
    async fn follow(mut self, opened: watch::Sender<u32>) -> BTreeSet<String> {
        let mut replica = 0;
        loop {
            if self.read(replica, &opened).await.is_some() {
                return self.ended;
            }
            replica = 1 - replica;
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Reads one stream; `None` when it broke off.
    async fn read(&mut self, replica: usize, opened: &watch::Sender<u32>) -> Option<()> {
        let request = self.http.get(format!("{}/v1/events", self.apis[replica]));
        let request = request.bearer_auth(&self.token).header("last-event-id", self.last);
        let response = request.send().await.ok()?.error_for_status().ok()?;
        opened.send_modify(|opened| *opened += 1);
        let mut events = response.bytes_stream().eventsource();
        while self.ended.len() < RESULTS_EACH {
            let event = timeout(SILENCE, events.next()).await.ok()??.ok()?;
            let analysis: Value = serde_json::from_str(&event.data).unwrap();
            if analysis["finishedAt"].is_string() {
                let number: u64 = event.id.parse().unwrap();
                assert_eq!(number, self.last + 1, "nothing is skipped and nothing comes twice");
                self.last = number;
                self.ended.insert(analysis["id"].as_str().unwrap().to_owned());
            }
        }
        Some(())
    }
}

/// Submits one user's analyses.
async fn submit(db: &MySqlPool, guest: &Client) -> Vec<(UserId, JobId)> {
    let user = UserId(guest.user().parse().unwrap());
    let items: Vec<NewJob> = (0..RESULTS_EACH).map(|_| new_analysis(user)).collect();
    // Published by nobody: the test is the worker.
    insert_analyses(db, &items).await;
    items.into_iter().map(|item| (user, item.id)).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn every_client_has_every_result_though_its_replica_and_redis_are_killed(db: MySqlPool) {
    let port = free_port();
    let mut redis = redis(port);
    let stack = Stack::new(db).await.with("REDIS_URL", format!("redis://127.0.0.1:{port}/0"));
    let ((mut doomed, one), (_other, two)) = futures_util::join!(api(&stack), api(&stack));

    // Sessions are made by an api inside the test; any replica takes its tokens.
    let inside = stack.api().await;
    let (opened, mut all_opened) = watch::channel(0);
    let (mut followers, mut finishes) = (JoinSet::new(), Vec::new());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..USERS {
        let guest = inside.guest().await;
        finishes.push(submit(&stack.pool, &guest).await);
        let follower = Follower {
            http: http.clone(),
            apis: [one.clone(), two.clone()],
            token: guest.session["accessToken"].as_str().unwrap().to_owned(),
            last: 0,
            ended: BTreeSet::new(),
        };
        followers.spawn(follower.follow(opened.clone()));
    }
    let expected: BTreeSet<String> =
        finishes.iter().flatten().map(|(_, id)| id.0.to_string()).collect();
    let everybody = u32::try_from(USERS).unwrap();
    all_opened.wait_for(|opened| *opened >= everybody).await.unwrap();

    // The users' results mixed, as workers would store them.
    let mixed: Vec<(UserId, JobId)> = (0..RESULTS_EACH)
        .flat_map(|turn| finishes.iter().map(move |of_one| of_one[turn]))
        .collect();
    let settings = Settings::from_vars(stack.environment().clone());
    let hints = Hints::spawn(&settings.section::<RedisConfig>().unwrap(), &TaskTracker::new());
    let hints = hints.unwrap();
    let batches: Vec<&[(UserId, JobId)]> = mixed.chunks(BATCH).collect();
    for (number, batch) in batches.iter().enumerate() {
        if number == batches.len() / 3 {
            redis.kill().await.unwrap();
        }
        if number == 2 * batches.len() / 3 {
            doomed.kill().await.unwrap();
        }
        let ended = end_batch(&stack.pool, batch, &season(PersonalColor::Winter)).await;
        hints.send(ended.into_iter().flatten());
    }

    let mut received = BTreeSet::new();
    while let Some(ended) = followers.join_next().await {
        let ended = ended.unwrap();
        assert_eq!(ended.len(), RESULTS_EACH);
        received.extend(ended);
    }
    assert_eq!(received, expected);
    assert!(*all_opened.borrow() >= 2 * everybody, "each had to come back");
}
