//! A row queue: one table on the same database, which workers poll with `SKIP LOCKED`, as River and Oban do on theirs. It
//! has no broker, fences nothing, requeues nothing of a worker that died, and knows neither deadlines nor turns of users.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use futures_util::StreamExt;
use redis::aio::ConnectionManager;
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::{ConnectOptions, Executor, MySqlPool, QueryBuilder};
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;
use toneup_platform::batch::{Batcher, Limits};
use toneup_platform::database::bind_list;
use url::Url;
use uuid::Uuid;

use super::front::{Accept, Streams, User, serve};
use super::work::{Task, Work};

/// Pause after a poll that found nothing.
const POLL: Duration = Duration::from_millis(5);
/// Jobs taken by one poll.
const TAKEN: u32 = 64;
/// Jobs worked on at once.
const AT_ONCE: usize = 256;
/// Connections to the database of each process.
const CONNECTIONS: u32 = 16;
/// Channel of the results.
const DONE: &str = "rows-done";

/// Settings of both processes.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Address of the front
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// URL of the database
    #[arg(long, env, hide_env_values = true)]
    database_url: Url,
    /// URL of Redis, which carries the results to the front
    #[arg(long, env, hide_env_values = true)]
    redis_url: Url,
    /// Prefix of the channel
    #[arg(long, env)]
    redis_prefix: String,
    #[command(flatten)]
    task: Task,
}

impl Options {
    fn pool(&self) -> anyhow::Result<MySqlPool> {
        let options = MySqlConnectOptions::from_url(&self.database_url)?;
        let pool = MySqlPoolOptions::new().max_connections(CONNECTIONS);
        let pool = pool.test_before_acquire(false).after_connect(|connection, _| {
            let level = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
            Box::pin(async move { connection.execute(level).await.map(drop) })
        });
        Ok(pool.connect_lazy_with(options))
    }

    fn channel(&self) -> String {
        format!("{}{DONE}", self.redis_prefix)
    }
}

/// Inserts a row for each job.
struct Front(MySqlPool);

impl Accept for Front {
    async fn accept(&self, user: User) -> anyhow::Result<Uuid> {
        let id = Uuid::now_v7();
        let insert =
            "INSERT INTO row_queue (id, user_id, payload, state) VALUES (?, ?, '{}', 'queued')";
        sqlx::query(insert).bind(id).bind(user).execute(&self.0).await?;
        Ok(id)
    }
}

/// Accepts jobs over HTTP and pushes the results that the workers announce.
pub async fn front(options: &Options) -> anyhow::Result<()> {
    let pool = options.pool()?;
    pool.execute(
        "CREATE TABLE IF NOT EXISTS row_queue (
             id BINARY(16) PRIMARY KEY, user_id INT UNSIGNED NOT NULL, payload JSON NOT NULL,
             state VARCHAR(10) NOT NULL, attempt INT UNSIGNED NOT NULL DEFAULT 0,
             started_at DATETIME(3) NULL, finished_at DATETIME(3) NULL, result JSON NULL,
             KEY row_queue_state (state, id))",
    )
    .await?;
    let streams = Streams::default();
    let client = redis::Client::open(options.redis_url.as_str())?;
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(options.channel()).await?;
    let (tasks, pushed) = (TaskTracker::new(), streams.clone());
    tasks.spawn(async move {
        let mut messages = subscription.into_on_message();
        while let Some(message) = messages.next().await {
            let done: Result<Done, _> = serde_json::from_slice(message.get_payload_bytes());
            for (user, id) in done.unwrap_or_default() {
                pushed.push(user, id);
            }
        }
    });
    serve(options.listen, Front(pool), streams).await
}

/// Jobs that have ended, and their users.
type Done = Vec<(User, Uuid)>;

/// A job's end: its user, its id, its result.
type End = (User, Uuid, String);

/// Takes queued rows, works on them, and writes the results of those that end together in one transaction.
pub async fn worker(options: Options) -> anyhow::Result<()> {
    let (pool, channel) = (options.pool()?, options.channel());
    let redis = redis::Client::open(options.redis_url.as_str())?;
    let redis = redis.get_connection_manager().await?;
    let (work, tasks) = (Work::new(options.task)?, TaskTracker::new());
    let writing = pool.clone();
    let write = move |ends: Vec<End>| {
        let (pool, redis, channel) = (writing.clone(), redis.clone(), channel.clone());
        async move { finish(&pool, redis, &channel, ends).await }
    };
    let ends: Batcher<End, (), anyhow::Error> = Batcher::spawn(Limits::default(), &tasks, write);
    let room = std::sync::Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let free = u32::try_from(room.available_permits())?.min(TAKEN);
        let taken = if free > 0 { take(&pool, free).await? } else { Vec::new() };
        if taken.is_empty() {
            sleep(POLL).await;
        }
        for (id, user) in taken {
            let permit = std::sync::Arc::clone(&room).acquire_owned().await?;
            let (work, ends) = (work.clone(), ends.clone());
            tasks.spawn(async move {
                let ended = match work.run().await {
                    Ok(result) => ends.submit((user, id, result)).await.map_err(Into::into),
                    Err(error) => Err(error),
                };
                if let Err(error) = ended {
                    tracing::warn!("a job has no result: {error:#}");
                }
                drop(permit);
            });
        }
    }
}

async fn take(pool: &MySqlPool, most: u32) -> Result<Vec<(Uuid, User)>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let select = "SELECT id, user_id FROM row_queue WHERE state = 'queued' ORDER BY id LIMIT ? \
                  FOR UPDATE SKIP LOCKED";
    let select = sqlx::query_as(select).bind(most);
    let taken: Vec<(Uuid, User)> = select.fetch_all(&mut *transaction).await?;
    if !taken.is_empty() {
        let mut update = QueryBuilder::new(
            "UPDATE row_queue SET state = 'running', attempt = attempt + 1, started_at = NOW(3)
             WHERE id IN ",
        );
        bind_list(&mut update, taken.iter().map(|(id, _)| *id));
        update.build().execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(taken)
}

async fn finish(
    pool: &MySqlPool,
    mut redis: ConnectionManager,
    channel: &str,
    ends: Vec<End>,
) -> anyhow::Result<Vec<()>> {
    let mut update = QueryBuilder::new(
        "UPDATE row_queue SET state = 'done', finished_at = NOW(3), result = CASE id",
    );
    for (_, id, result) in &ends {
        update.push(" WHEN ").push_bind(*id).push(" THEN ").push_bind(result);
    }
    update.push(" END WHERE state = 'running' AND id IN ");
    bind_list(&mut update, ends.iter().map(|(_, id, _)| *id));
    update.build().execute(pool).await?;
    let done: Done = ends.iter().map(|(user, id, _)| (*user, *id)).collect();
    let mut publish = redis::cmd("PUBLISH");
    publish.arg(channel).arg(serde_json::to_string(&done)?);
    publish.exec_async(&mut redis).await?;
    Ok(vec![(); ends.len()])
}
