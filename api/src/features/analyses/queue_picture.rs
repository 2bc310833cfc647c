//! The picture of the queue that all api replicas share through Redis: one of them reads the database, about once a second,
//! whatever their number. Without Redis each reads for itself.

use std::time::Duration;

use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use serde::{Deserialize, Serialize};
use toneup_colour::analysis::ANALYSIS;
use toneup_jobs::job::JobId;
use toneup_jobs::store::fairness::list_held;
use toneup_jobs::store::load::{QueueLoad, measure_load};
use toneup_jobs::store::read::list_queue;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::{Database, bounded};
use toneup_platform::identity::UserId;
use toneup_platform::redis::{self as connections, client, connection_config};

/// Maximum position that is counted; behind it, the position is unknown.
const DEPTH: u32 = 10_000;
/// Time for which one replica's picture serves the others: a little less than the interval at which each looks.
const SHARED: Duration = Duration::from_millis(900);

/// The queue as one read of the database found it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Picture {
    /// Queued jobs in order of submission.
    pub(super) queued: Vec<JobId>,
    /// Held jobs, in that order within each user.
    pub(super) held: Vec<(UserId, JobId)>,
    /// Size of the queue.
    pub(super) load: QueueLoad,
}

/// Reader of the shared picture.
pub(super) struct Pictures {
    database: Database,
    redis: ConnectionManager,
    key: String,
}

impl Pictures {
    /// Creates the reader; it connects at first use. Fails if the URL is invalid.
    pub(super) fn new(database: Database, redis: &RedisConfig) -> Result<Self, redis::RedisError> {
        let key = format!("{}queue:picture", redis.redis_prefix);
        let redis = client(redis)?.get_connection_manager_lazy(connection_config())?;
        Ok(Self { database, redis, key })
    }

    /// Takes the picture that another replica made a moment ago, or makes one.
    pub(super) async fn look(&mut self) -> Result<Picture, sqlx::Error> {
        if let Some(picture) = self.shared().await {
            return Ok(picture);
        }
        let picture = read(&self.database).await?;
        self.share(&picture).await;
        Ok(picture)
    }

    async fn shared(&mut self) -> Option<Picture> {
        let read = connections::bounded(self.redis.get::<_, Option<Vec<u8>>>(&self.key));
        serde_json::from_slice(&read.await.ok()??).ok()
    }

    async fn share(&mut self, picture: &Picture) {
        let Ok(text) = serde_json::to_vec(picture) else { return };
        let lasts = u64::try_from(SHARED.as_millis()).unwrap_or_default();
        let write = connections::bounded(self.redis.pset_ex::<_, _, ()>(&self.key, text, lasts));
        if let Err(error) = write.await {
            tracing::debug!(%error, "cannot share the picture of the queue");
        }
    }
}

async fn read(database: &Database) -> Result<Picture, sqlx::Error> {
    bounded(async {
        let mut connection = database.acquire().await?;
        let queued = list_queue(&mut connection, ANALYSIS, DEPTH).await?;
        let held = list_held(&mut connection, ANALYSIS, DEPTH).await?;
        let load = measure_load(&mut connection, ANALYSIS).await?;
        Ok(Picture { queued, held, load })
    })
    .await
}
