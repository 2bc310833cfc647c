//! Behaviour of long-lived connections whose peer stalls for good, while new connections are let through.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Executor, MySqlPool};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use toneup_platform::broker;
use toneup_platform::config::{BrokerConfig, DatabaseConfig, RedisConfig, Settings};
use toneup_platform::database::{Database, bounded};
use toneup_platform::redis;

/// Starts a TCP proxy that can stop forwarding without closing its connections; returns its port.
async fn way(to: String, mut open: watch::Receiver<bool>) -> (u16, TaskTracker) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tasks = TaskTracker::new();
    let connections = tasks.clone();
    tasks.spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (to, mut carrying) = (to.clone(), open.clone());
            connections.spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                let stalled = async { drop(carrying.wait_for(|open| !open).await) };
                tokio::select! {
                    carried = copy_bidirectional(&mut near, &mut far) => return drop(carried),
                    () = stalled => {}
                }
                // A stalled connection never recovers, as after a dropped route.
                std::future::pending::<()>().await;
            });
            open.wait_for(|open| *open).await.unwrap();
        }
    });
    (port, tasks)
}

/// A pool of three connections, and the switch of the proxy in front of its database.
async fn pool_behind_a_way(db: &MySqlPool) -> (Arc<Database>, watch::Sender<bool>, TaskTracker) {
    let options = db.connect_options();
    let to = format!("{}:{}", options.get_host(), options.get_port());
    let (set_open, open) = watch::channel(true);
    let (port, tasks) = way(to, open).await;
    let mut config: DatabaseConfig = Settings::from_env().section().unwrap();
    let mut url: url::Url = config.database_url.expose_secret().parse().unwrap();
    url.set_port(Some(port)).unwrap();
    url.set_path(options.get_database().unwrap());
    config.database_url = SecretString::from(url.to_string());
    config.database_max_connections = 3;
    config.database_acquire_timeout = Duration::from_millis(500);
    (Arc::new(Database::open(&config).unwrap()), set_open, tasks)
}

/// Waits until all connections can be acquired at once again.
async fn recovers(pool: &Database) {
    let recovered = async {
        while join_all((0..3).map(|_| pool.acquire())).await.iter().any(Result::is_err) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), recovered).await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn a_pool_whose_connections_all_stalled_is_made_anew(db: MySqlPool) {
    let (pool, set_open, _tasks) = pool_behind_a_way(&db).await;
    recovers(&pool).await;
    set_open.send_replace(false);
    let ask = async || {
        let asked = bounded(async { pool.acquire().await?.execute("SELECT 1").await });
        tokio::time::timeout(Duration::from_secs(1), asked).await.is_ok_and(|done| done.is_ok())
    };
    assert!(!join_all((0..9).map(|_| ask())).await.into_iter().any(|answered| answered));
    set_open.send_replace(true);
    recovers(&pool).await;
}

#[sqlx::test(migrations = false)]
async fn a_connection_that_stalls_while_others_work_gives_its_place_back(db: MySqlPool) {
    let (pool, set_open, _tasks) = pool_behind_a_way(&db).await;
    recovers(&pool).await;
    // One is in the middle of an answer when the way stalls, and is given back so.
    let asked = bounded(async { pool.acquire().await?.execute("SELECT SLEEP(30)").await });
    let asking = tokio::time::timeout(Duration::from_millis(300), asked);
    let stalling = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        set_open.send_replace(false);
    };
    let (answer, ()) = tokio::join!(asking, stalling);
    answer.unwrap_err();
    set_open.send_replace(true);
    recovers(&pool).await;
}

/// `url` by way of a proxy, with the proxy's switch.
async fn by_way(url: &SecretString) -> (SecretString, watch::Sender<bool>, TaskTracker) {
    let mut url: url::Url = url.expose_secret().parse().unwrap();
    let to = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let (set_open, open) = watch::channel(true);
    let (port, tasks) = way(to, open).await;
    url.set_port(Some(port)).unwrap();
    (SecretString::from(url.to_string()), set_open, tasks)
}

/// Stalls what is connected and lets new connections through.
async fn stall(set_open: &watch::Sender<bool>) -> Instant {
    set_open.send_replace(false);
    tokio::time::sleep(Duration::from_millis(200)).await;
    set_open.send_replace(true);
    Instant::now()
}

const NOTICED: Duration = Duration::from_secs(15);

async fn a_stalled_subscription() {
    let mut config: RedisConfig = Settings::from_env().section().unwrap();
    let (url, set_open, _tasks) = by_way(&config.redis_url).await;
    config.redis_url = url;
    let (connected, mut is_connected) = watch::channel(false);
    let draining = CancellationToken::new();
    let channels = vec!["stalled".to_owned()];
    let listening = redis::listen(config, channels, connected, draining.clone(), |_| {});
    let watching = async {
        is_connected.wait_for(|connected| *connected).await.unwrap();
        let stalled = stall(&set_open).await;
        let again = async {
            is_connected.wait_for(|connected| !connected).await.unwrap();
            is_connected.wait_for(|connected| *connected).await.unwrap();
        };
        timeout(NOTICED, again).await.unwrap();
        draining.cancel();
        stalled.elapsed()
    };
    let ((), took) = tokio::join!(listening, watching);
    assert!(took > Duration::from_secs(1), "it was not idle: {took:?}");
}

async fn a_stalled_session_with_the_broker() {
    let mut config: BrokerConfig = Settings::from_env().section().unwrap();
    let (url, set_open, _tasks) = by_way(&config.amqp_url).await;
    config.amqp_url = url;
    let draining = CancellationToken::new();
    let (sessions, mut begun) = watch::channel(0);
    let supervising = broker::supervise("toneup test", &config, &draining, |connection| {
        sessions.send_modify(|begun| *begun += 1);
        let draining = draining.clone();
        async move {
            let ended = async {
                while connection.status().connected() {
                    sleep_a_little().await;
                }
            };
            draining.run_until_cancelled(ended).await;
            if draining.is_cancelled() { Ok(()) } else { Err(broker::SessionError::TimedOut) }
        }
    });
    let watching = async {
        begun.wait_for(|begun| *begun == 1).await.unwrap();
        stall(&set_open).await;
        timeout(NOTICED, begun.wait_for(|begun| *begun == 2)).await.unwrap().unwrap();
        draining.cancel();
    };
    tokio::join!(supervising, watching);
}

async fn sleep_a_little() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn an_idle_connection_whose_peer_is_lost_is_noticed_within_fifteen_seconds() {
    tokio::join!(a_stalled_subscription(), a_stalled_session_with_the_broker());
}
