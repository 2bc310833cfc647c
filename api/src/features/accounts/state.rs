//! The state of accounts.

use std::sync::Arc;

use tokio::sync::OnceCell;
use toneup_platform::database::Database;
use toneup_platform::identity::UserId;

use super::settings::AccountsSettings;
use super::store;
use super::token::Tokens;
use crate::http::limits::RateLimiter;
use crate::http::problem::ApiError;

/// The part of the application's state that accounts use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccountsState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    pub(super) settings: Arc<AccountsSettings>,
    pub(super) tokens: Tokens,
    /// Set once the load tests' user is known to exist.
    load_tester: Arc<OnceCell<()>>,
}

impl AccountsState {
    /// Prepares the keys.
    pub fn new(settings: AccountsSettings, pool: Database, limiter: RateLimiter) -> Self {
        let tokens = Tokens::new(&settings);
        let settings = Arc::new(settings);
        Self { pool, limiter, settings, tokens, load_tester: Arc::default() }
    }

    /// The keys that access tokens are signed with.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
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
