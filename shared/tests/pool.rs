//! A database that stalls in the middle of an answer, and comes back.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use sqlx::MySqlPool;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;
use toneup_shared::config::{DatabaseConfig, Settings};
use toneup_shared::database::{Database, bounded};

/// A way to the database that can stop carrying anything, without closing.
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
                // What has stalled once never moves again, as after a dropped route.
                std::future::pending::<()>().await;
            });
            open.wait_for(|open| *open).await.unwrap();
        }
    });
    (port, tasks)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_pool_whose_connections_all_stalled_is_made_anew(db: MySqlPool) {
    let options = db.connect_options();
    let to = format!("{}:{}", options.get_host(), options.get_port());
    let (set_open, open) = watch::channel(true);
    let (port, _tasks) = way(to, open).await;
    let mut config: DatabaseConfig = Settings::from_env().unwrap().section().unwrap();
    let mut url: url::Url = config.database_url.expose_secret().parse().unwrap();
    url.set_port(Some(port)).unwrap();
    url.set_path(options.get_database().unwrap());
    config.database_url = SecretString::from(url.to_string());
    config.database_max_connections = 3;
    config.database_acquire_timeout = Duration::from_millis(500);
    let pool = Arc::new(Database::open(&config).unwrap());
    let ask = async || {
        let answer = bounded(async {
            sqlx::query("SELECT SLEEP(0.01)").execute(&mut *pool.acquire().await?).await
        });
        tokio::time::timeout(Duration::from_secs(1), answer).await.is_ok_and(|done| done.is_ok())
    };
    assert!(join_all((0..3).map(|_| ask())).await.into_iter().all(|answered| answered));
    set_open.send_replace(false);
    assert!(!join_all((0..9).map(|_| ask())).await.into_iter().any(|answered| answered));
    set_open.send_replace(true);
    // Not one connection: as many as before.
    let recovered = async {
        while join_all((0..3).map(|_| pool.acquire())).await.iter().any(Result::is_err) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), recovered).await.unwrap();
}
