//! Worker: the photo from S3 to the analyzer, if there is one; a row with the result; its announcement.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::anyhow;
use apalis::prelude::*;
use apalis_redis::Config;
use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use reqwest::Client;
use reqwest::multipart::{Form, Part};
use sqlx::MySqlPool;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{Job, channel, open_database, open_queue, setting};

const CONCURRENCY: usize = 256;
/// Pause between polls: nobody tells a worker of a new task.
const POLL: Duration = Duration::from_millis(5);

/// Polls at a fixed interval. The crate's own interval may miss a tick, and then sleeps until the next heartbeat.
struct Ticks(Interval);

impl PollStrategy for Ticks {
    fn poll_drive(&mut self, context: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut ticked = false;
        while self.0.poll_tick(context).is_ready() {
            ticked = true;
        }
        if ticked { Poll::Ready(Some(())) } else { Poll::Pending }
    }
}

struct Tools {
    database: MySqlPool,
    http: Client,
    redis: ConnectionManager,
    channel: String,
    /// The photo and the analyzer.
    task: Option<(String, String)>,
}

impl Tools {
    async fn work(&self) -> anyhow::Result<String> {
        let Some((photo, analyzer)) = &self.task else {
            return Ok(r#"{"greeting":"Hello, Ada!"}"#.to_owned());
        };
        let photo = self.http.get(photo).send().await?.error_for_status()?.bytes().await?;
        let length = photo.len() as u64;
        let file = Part::stream_with_length(photo, length).file_name("photo");
        let form = Form::new().text("user_id", "0").part("file", file);
        let answer = self.http.post(format!("{analyzer}/analyze-color")).multipart(form);
        Ok(answer.send().await?.error_for_status()?.text().await?)
    }
}

async fn analyze(job: Job, tools: Data<Arc<Tools>>) -> Result<(), BoxDynError> {
    let result = tools.work().await?;
    let insert = "INSERT IGNORE INTO peer_results VALUES (?, ?, ?)";
    let insert = sqlx::query(insert).bind(&job.id).bind(job.user).bind(&result);
    insert.execute(&tools.database).await?;
    let told = serde_json::to_string(&job)?;
    Ok(tools.redis.clone().publish(&tools.channel, told).await?)
}

pub async fn run() -> anyhow::Result<()> {
    let redis = redis::Client::open(setting("REDIS_URL")?)?;
    let tools = Arc::new(Tools {
        database: open_database().await?,
        http: Client::builder().no_proxy().tcp_nodelay(true).build()?,
        redis: redis.get_connection_manager().await?,
        channel: channel()?,
        task: setting("PHOTO_URL").ok().zip(setting("ANALYZER_URL").ok()),
    });
    let queue = open_queue(Config::default().batch_size(64)).await?;
    let mut ticks = interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    WorkerBuilder::new(format!("overhead-{}", std::process::id()))
        .backend(queue.poll_with_strategy(Ticks(ticks)))
        .concurrency(CONCURRENCY)
        .data(tools)
        .build(analyze)
        .run()
        .await
        .map_err(|error| anyhow!("{error}"))
}
