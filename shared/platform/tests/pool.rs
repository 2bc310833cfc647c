//! Behaviour of the pool when the database stalls in the middle of a response, and comes back.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, and says where")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{Executor, MySqlPool};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use toneup_platform::config::{DatabaseConfig, Settings};
use toneup_platform::database::{Database, bounded};

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
