//! apalis on Redis, with a front that accepts jobs and pushes results: `apalis-peer front|worker`. Reads `REDIS_URL`,
//! `REDIS_PREFIX`, `DATABASE_URL` and `PORT`, and for the work `PHOTO_URL` and `ANALYZER_URL`.

mod front;
mod worker;

use anyhow::{Context, bail};
use apalis_redis::{Config, RedisStorage};
use serde::{Deserialize, Serialize};
use sqlx::MySqlPool;
use sqlx::mysql::MySqlPoolOptions;

/// A job, and the message that announces its result.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Job {
    id: String,
    user: u32,
}

fn setting(name: &str) -> anyhow::Result<String> {
    std::env::var(name).with_context(|| name.to_owned())
}

/// Channel of the results.
fn channel() -> anyhow::Result<String> {
    Ok(format!("{}apalis-done", setting("REDIS_PREFIX")?))
}

async fn open_database() -> anyhow::Result<MySqlPool> {
    let pool = MySqlPoolOptions::new().max_connections(16).test_before_acquire(false);
    Ok(pool.connect(&setting("DATABASE_URL")?).await?)
}

async fn open_queue(config: Config) -> anyhow::Result<RedisStorage<Job>> {
    let connection = apalis_redis::connect(setting("REDIS_URL")?).await?;
    Ok(RedisStorage::new(connection).with_config(config.queue("overhead")))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("front") => front::run().await,
        Some("worker") => worker::run().await,
        _ => bail!("front or worker"),
    }
}
