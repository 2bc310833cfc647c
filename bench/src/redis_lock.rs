//! Peer of the likes: the first server's way. A lock in Redis for each post, held around a transaction that reads, writes and
//! counts; whoever does not have it within two seconds is refused. Waiting is that of Redisson's locks: a message at each
//! unlocking wakes one waiter. Before it the same HTTP server, and the same check of tokens, as before ToneUp's likes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use clap::Args;
use futures_util::StreamExt;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use redis::Script;
use redis::aio::MultiplexedConnection;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::MySqlPool;
use sqlx::mysql::MySqlPoolOptions;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use url::Url;
use uuid::Uuid;

use crate::report::table::say;

/// Longest wait for the lock, and the time for which it is held at most: the first server's.
const WAIT: Duration = Duration::from_secs(2);
const LEASE_MS: u64 = 3_000;
/// Connections of the pool; one at a time has the lock.
const CONNECTIONS: u32 = 16;
/// Channel on which unlocking is announced.
const UNLOCKED: &str = "redis-lock:unlocked";

/// Where the peer listens, and what it uses.
#[derive(Debug, Args)]
pub struct Options {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Database in which it makes its two tables
    #[arg(long, env, hide_env_values = true)]
    database_url: Url,
    /// Redis that holds the locks
    #[arg(long, env, hide_env_values = true)]
    redis_url: Url,
    /// Address of the key that signs access tokens
    #[arg(long)]
    keys: Url,
}

#[derive(Clone)]
struct Peer {
    database: MySqlPool,
    redis: MultiplexedConnection,
    unlock: Script,
    woken: Arc<Notify>,
    key: Arc<DecodingKey>,
}

#[derive(Deserialize)]
struct Claims {
    sub: Uuid,
}

/// Serves until it is ended; first prints its address as one line of JSON.
pub async fn serve(options: &Options) -> anyhow::Result<()> {
    let keys = crate::load::target::http()?.get(options.keys.clone()).send().await?;
    let keys: Value = keys.json().await?;
    let key = keys["keys"][0]["x"].as_str().context("no key is published")?;
    let redis = redis::Client::open(options.redis_url.as_str())?;
    let database = MySqlPoolOptions::new().max_connections(CONNECTIONS);
    let peer = Peer {
        database: database.connect(options.database_url.as_str()).await?,
        redis: redis.get_multiplexed_async_connection().await?,
        unlock: Script::new(
            "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
             return redis.call('PUBLISH', ARGV[2], '')",
        ),
        woken: Arc::default(),
        key: Arc::new(DecodingKey::from_ed_components(key)?),
    };
    peer.create_tables().await?;
    let mut unlocked = redis.get_async_pubsub().await?;
    unlocked.subscribe(UNLOCKED).await?;
    let woken = Arc::clone(&peer.woken);
    TaskTracker::new().spawn(async move {
        let mut messages = unlocked.into_on_message();
        while messages.next().await.is_some() {
            woken.notify_one();
        }
    });
    let listener = TcpListener::bind(options.listen).await?;
    say(&json!({ "address": listener.local_addr()? }).to_string())?;
    let app = Router::new().route("/api/feeds/{feed}/like", post(toggle)).with_state(peer);
    Ok(axum::serve(listener, app).await?)
}

async fn toggle(
    State(peer): State<Peer>,
    Path(feed): Path<u64>,
    headers: HeaderMap,
) -> Result<Json<Value>, StatusCode> {
    let user = peer.user(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let failed = |_: anyhow::Error| StatusCode::INTERNAL_SERVER_ERROR;
    let (lock, holder) = (format!("LOCK:FEED_{feed}"), Uuid::now_v7().to_string());
    if !peer.lock(&lock, &holder).await.map_err(failed)? {
        return Err(StatusCode::CONFLICT);
    }
    let written = peer.write(feed, user).await;
    let mut redis = peer.redis.clone();
    let mut unlock = peer.unlock.key(&lock);
    let unlocked = unlock.arg(&holder).arg(UNLOCKED).invoke_async::<()>(&mut redis).await;
    let liked = written.map_err(failed)?;
    unlocked.map_err(|error| failed(error.into()))?;
    Ok(Json(json!({ "data": { "feedId": feed, "liked": liked } })))
}

impl Peer {
    async fn create_tables(&self) -> anyhow::Result<()> {
        for table in [
            "CREATE TABLE IF NOT EXISTS peer_feeds (
                 id BIGINT UNSIGNED NOT NULL PRIMARY KEY, likes INT NOT NULL DEFAULT 0)",
            "CREATE TABLE IF NOT EXISTS peer_likes (
                 id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
                 feed_id BIGINT UNSIGNED NOT NULL, user_id BINARY(16) NOT NULL,
                 KEY peer_likes_of (feed_id, user_id))",
        ] {
            sqlx::raw_sql(table).execute(&self.database).await?;
        }
        Ok(())
    }

    fn user(&self, headers: &HeaderMap) -> Option<Uuid> {
        let token = headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")?;
        let mut checks = Validation::new(Algorithm::EdDSA);
        checks.set_issuer(&["toneup"]);
        Some(jsonwebtoken::decode::<Claims>(token, &self.key, &checks).ok()?.claims.sub)
    }

    /// Takes the lock; false after the longest wait.
    async fn lock(&self, lock: &str, holder: &str) -> anyhow::Result<bool> {
        let give_up = Instant::now() + WAIT;
        let mut redis = self.redis.clone();
        loop {
            let mut set = redis::cmd("SET");
            set.arg(lock).arg(holder).arg("NX").arg("PX").arg(LEASE_MS);
            if set.query_async::<Option<String>>(&mut redis).await?.is_some() {
                return Ok(true);
            }
            if timeout_at(give_up, self.woken.notified()).await.is_err() {
                return Ok(false);
            }
        }
    }

    /// Reads, writes and counts in one transaction; returns true if the user likes the post now.
    async fn write(&self, feed: u64, user: Uuid) -> anyhow::Result<bool> {
        let mut transaction = self.database.begin().await?;
        let found: Option<u64> =
            sqlx::query_scalar("SELECT id FROM peer_likes WHERE feed_id = ? AND user_id = ?")
                .bind(feed)
                .bind(user)
                .fetch_optional(&mut *transaction)
                .await?;
        let likes: Option<i32> = sqlx::query_scalar("SELECT likes FROM peer_feeds WHERE id = ?")
            .bind(feed)
            .fetch_optional(&mut *transaction)
            .await?;
        let change = match found {
            Some(_) => "DELETE FROM peer_likes WHERE feed_id = ? AND user_id = ?",
            None => "INSERT INTO peer_likes (feed_id, user_id) VALUES (?, ?)",
        };
        sqlx::query(change).bind(feed).bind(user).execute(&mut *transaction).await?;
        let likes = likes.unwrap_or_default() + if found.is_some() { -1 } else { 1 };
        sqlx::query("REPLACE INTO peer_feeds (id, likes) VALUES (?, ?)")
            .bind(feed)
            .bind(likes)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(found.is_none())
    }
}
