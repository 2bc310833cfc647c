//! Rate limits per address or user. All replicas count together, in Redis; while it is away, each counts by itself.
//!
//! A limit is a [`Policy`], and one line at the top of a handler:
//!
//! ```ignore
//! state.limiter.check(&Policy::per_minute("webhook-tests", 30), user.0).await?;
//! ```
//!
//! The response, whatever it is, then has `RateLimit` and `RateLimit-Policy`; a refusal is 429 `rate_limited`.

mod gcra;
mod local;
mod report;

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::Script;
use redis::aio::ConnectionManager;
use tokio::time::{Instant, timeout};
use toneup_platform::config::RedisConfig;
use toneup_platform::redis::{client, connection_config};

pub use self::gcra::Policy;
use self::gcra::Verdict;
use self::local::Local;
pub(crate) use self::report::{RATE_LIMIT, RATE_LIMIT_POLICY, report};
use super::problem::ApiError;

/// Longest wait for Redis: a limit must not turn its slowness into ours.
const REDIS_WAIT: Duration = Duration::from_millis(500);
/// Pause before Redis is tried again after it did not respond.
const AWAY: Duration = Duration::from_secs(5);

/// Asks the policies. Cheap to clone.
#[derive(Clone)]
pub struct RateLimiter(Arc<Shared>);

struct Shared {
    redis: ConnectionManager,
    script: Script,
    prefix: String,
    local: Local,
    /// Until when Redis is not asked.
    away_until: Mutex<Option<Instant>>,
}

impl std::fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimiter").field("prefix", &self.0.prefix).finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// Prepares the connection; it is made at first use.
    pub fn new(config: &RedisConfig) -> Result<Self, redis::RedisError> {
        Ok(Self(Arc::new(Shared {
            redis: client(config)?.get_connection_manager_lazy(connection_config())?,
            script: Script::new(include_str!("gcra.lua")),
            prefix: format!("{}rate:", config.redis_prefix),
            local: Local::new(),
            away_until: Mutex::default(),
        })))
    }

    /// Uses one unit of `policy` by `who`, an address or a user; refuses it with [`ApiError::RateLimited`] beyond the quota.
    pub async fn check(&self, policy: &Policy, who: impl Display) -> Result<(), ApiError> {
        self.check_units(policy, who, 1).await
    }

    /// Uses `units` at once, or none of them.
    pub async fn check_units(
        &self,
        policy: &Policy,
        who: impl Display,
        units: u32,
    ) -> Result<(), ApiError> {
        let key = format!("{}{}:{who}", self.0.prefix, policy.name);
        let verdict = match self.ask_redis(policy, &key, units).await {
            Some(verdict) => verdict,
            None => self.0.local.ask(policy, &key, units),
        };
        report::note(policy, verdict);
        if verdict.wait_micros == 0 {
            return Ok(());
        }
        let retry_after = Duration::from_secs(verdict.wait_micros.div_ceil(1_000_000));
        Err(ApiError::RateLimited { retry_after })
    }

    /// `None` while Redis is away.
    async fn ask_redis(&self, policy: &Policy, key: &str, units: u32) -> Option<Verdict> {
        if self.away_until().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let (interval, window) = (policy.interval_micros(), policy.window_micros());
        let mut asking = self.0.script.key(key);
        asking.arg(interval).arg(window).arg(units);
        let mut redis = self.0.redis.clone();
        let answer = timeout(REDIS_WAIT, asking.invoke_async::<(u64, u64)>(&mut redis)).await;
        let failure = match answer {
            Ok(Ok((wait_micros, used_micros))) => {
                return Some(Verdict { wait_micros, used_micros });
            }
            Ok(Err(error)) => error.to_string(),
            Err(elapsed) => elapsed.to_string(),
        };
        tracing::warn!(error = failure, "redis is away: each replica counts its rate limits alone");
        *self.0.away_until.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Instant::now() + AWAY);
        None
    }

    fn away_until(&self) -> Option<Instant> {
        *self.0.away_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
