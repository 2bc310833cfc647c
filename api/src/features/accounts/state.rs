//! The state of accounts.

use std::sync::Arc;
use std::time::Duration;

use sqlx::MySql;
use sqlx::pool::PoolConnection;
use tokio::sync::OnceCell;
use toneup_platform::config::RedisConfig;
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;
use toneup_platform::shutdown::Shutdown;

use super::revoked::Revoked;
use super::secret::ServerSecret;
use super::settings::AccountsSettings;
use super::store;
use super::token::{LiveTokens, Tokens};
use crate::http::limits::RateLimiter;
use crate::http::problem::ApiError;

/// The part of the application's state that accounts use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccountsState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    pub(super) settings: Arc<AccountsSettings>,
    pub(super) tokens: Tokens,
    pub(super) secret: ServerSecret,
    pub(super) revoked: Revoked,
    /// Set once the load tests' user is known to exist.
    load_tester: Arc<OnceCell<()>>,
}

impl AccountsState {
    /// Prepares the keys, and starts to follow the revocations of other replicas.
    pub(crate) fn start(
        settings: AccountsSettings,
        redis: &RedisConfig,
        pool: Database,
        limiter: RateLimiter,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let tokens = Tokens::new(&settings);
        Ok(Self {
            secret: ServerSecret::new(&settings.jwt_secret)?,
            revoked: Revoked::start(tokens.ttl(), redis, pool.clone(), shutdown)?,
            pool,
            limiter,
            settings: Arc::new(settings),
            tokens,
            load_tester: Arc::default(),
        })
    }

    /// Lifetime of an access token.
    pub(crate) fn token_life(&self) -> Duration {
        self.tokens.ttl()
    }

    /// Acquires a connection from the pool.
    pub(crate) async fn connection(&self) -> Result<PoolConnection<MySql>, sqlx::Error> {
        self.pool.acquire().await
    }

    /// Returns a verifier of access tokens that knows the revoked sessions.
    pub(crate) fn live_tokens(&self) -> LiveTokens {
        LiveTokens { tokens: self.tokens.clone(), revoked: self.revoked.clone() }
    }

    /// Returns the load tests' user, which the first call creates.
    pub(crate) async fn load_tester(&self) -> Result<UserId, ApiError> {
        let made = self.load_tester.get_or_try_init(async || {
            store::insert_well_known(&mut *self.pool.acquire().await?, UserId::LOAD_TESTER).await
        });
        made.await?;
        Ok(UserId::LOAD_TESTER)
    }
}
