//! Rate limits per address or user, counted in Redis, so that all replicas count together.

use std::fmt::Display;
use std::time::Duration;

use redis::aio::ConnectionManager;
use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{client, connection_config};

use super::problem::ApiError;

const WINDOW: Duration = Duration::from_mins(1);

/// Counts in fixed windows of a minute. Cheap to clone.
#[derive(Clone)]
pub struct RateLimiter {
    redis: ConnectionManager,
    prefix: String,
}

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// Prepares the connection; it is made at first use.
    pub fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        let redis = client(config)?.get_connection_manager_lazy(connection_config())?;
        Ok(Self { redis, prefix: config.redis_prefix.clone() })
    }

    /// Counts one use of `what` by an address or a user and refuses it beyond `per_minute`. Without Redis everything passes: a limit
    /// must not turn its outage into ours.
    pub async fn check(
        &self,
        what: &str,
        who: impl Display,
        per_minute: u32,
    ) -> Result<(), ApiError> {
        let key = format!("{}rate:{what}:{who}", self.prefix);
        let counted: Result<(u32, bool, i64), _> = redis::pipe()
            .atomic()
            .incr(&key, 1)
            .cmd("EXPIRE")
            .arg(&key)
            .arg(WINDOW.as_secs())
            .arg("NX")
            .ttl(&key)
            .query_async(&mut self.redis.clone())
            .await;
        match counted {
            Ok((count, _, seconds)) if count > per_minute => {
                let seconds = u64::try_from(seconds).unwrap_or(WINDOW.as_secs());
                Err(ApiError::RateLimited { retry_after: Duration::from_secs(seconds) })
            }
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(%error, "rate limit not counted");
                Ok(())
            }
        }
    }
}
