//! Counting what one address or one user may do, in Redis, so that all replicas count together.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use redis::aio::ConnectionManager;
use toneup_shared::config::RedisConfig;
use toneup_shared::pubsub::{client, connection_config};

use super::problem::ApiError;
use crate::app::AppState;

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

/// The address a request comes from: the connection's, or what a trusted proxy says.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<AppState> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let header = state.config.server.client_ip_header.as_deref();
        let named = header
            .and_then(|name| parts.headers.get(name))
            .and_then(|value| value.to_str().ok())
            // The last entry is the one our proxy added; those before it are the client's own words.
            .and_then(|value| value.rsplit(',').next()?.trim().parse().ok());
        if let Some(address) = named {
            return Ok(Self(address));
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        peer.map(|ConnectInfo(peer)| Self(peer.ip().to_canonical()))
            .ok_or_else(|| ApiError::Internal(anyhow::anyhow!("the peer's address is not known")))
    }
}
