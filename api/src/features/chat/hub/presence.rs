//! Who is connected anywhere: each replica says so in Redis for its own users, for a minute at a time. Without Redis each
//! replica knows its own alone.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::aio::ConnectionManager;
use time::OffsetDateTime;
use tokio::time::{Instant, timeout};
use toneup_platform::config::RedisConfig;
use toneup_platform::identity::UserId;
use toneup_platform::redis::{client, connection_config};
use uuid::Uuid;

/// Time for which a replica's word counts.
const LASTS: i64 = 60;
/// Time between two words.
const EVERY: Duration = Duration::from_secs(20);
/// Longest wait for Redis.
const WAIT: Duration = Duration::from_millis(500);
/// Users of one round trip.
const CHUNK: usize = 500;

/// The word of this replica about its users.
pub(crate) struct Presence {
    redis: ConnectionManager,
    prefix: String,
    replica: Uuid,
    said_at: Mutex<Option<Instant>>,
}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("replica", &self.replica).finish_non_exhaustive()
    }
}

impl Presence {
    /// Prepares the connection; it is made at first use.
    pub(crate) fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        Ok(Self {
            redis: client(config)?.get_connection_manager_lazy(connection_config())?,
            prefix: format!("{}online:", config.redis_prefix),
            replica: Uuid::now_v7(),
            said_at: Mutex::default(),
        })
    }

    /// Returns true when the word is to be repeated.
    pub(super) fn is_due(&self) -> bool {
        let mut said_at = self.said_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = said_at.is_none_or(|at| at.elapsed() >= EVERY);
        if due {
            *said_at = Some(Instant::now());
        }
        due
    }

    /// Says that users are connected here; no longer once Redis does not take it.
    pub(super) async fn say(&self, users: &[UserId]) {
        let until = OffsetDateTime::now_utc().unix_timestamp() + LASTS;
        for some in users.chunks(CHUNK) {
            let mut pipeline = redis::pipe();
            for user in some {
                let key = self.key(*user);
                pipeline.zadd(&key, self.replica.to_string(), until).ignore();
                pipeline.expire(&key, LASTS).ignore();
            }
            if self.run::<()>(&pipeline).await.is_none() {
                break;
            }
        }
    }

    /// Takes the word about a user back.
    pub(super) async fn take_back(&self, user: UserId) {
        let mut pipeline = redis::pipe();
        pipeline.zrem(self.key(user), self.replica.to_string()).ignore();
        self.run::<()>(&pipeline).await;
    }

    /// Asks for each user whether any replica says so; nobody is where Redis is away. One wait in vain is enough.
    pub(super) async fn ask(&self, users: &[UserId]) -> Vec<bool> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let mut found = Vec::with_capacity(users.len());
        for some in users.chunks(CHUNK) {
            let mut pipeline = redis::pipe();
            for user in some {
                pipeline.zcount(self.key(*user), now, "+inf");
            }
            let Some(counts) = self.run::<Vec<u32>>(&pipeline).await else { break };
            found.extend(counts.into_iter().map(|count| count > 0));
        }
        found.resize(users.len(), false);
        found
    }

    fn key(&self, user: UserId) -> String {
        format!("{}{}", self.prefix, user.0)
    }

    async fn run<T: redis::FromRedisValue>(&self, pipeline: &redis::Pipeline) -> Option<T> {
        let mut redis = self.redis.clone();
        match timeout(WAIT, pipeline.query_async(&mut redis)).await {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => {
                tracing::debug!(%error, "redis does not know who is connected");
                None
            }
            Err(_) => None,
        }
    }
}
