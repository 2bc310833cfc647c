//! The state of signing in.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use toneup_platform::database::Database;
use toneup_platform::leader::Leadership;
use toneup_platform::reseal;
use toneup_platform::shutdown::Shutdown;
use toneup_platform::vault::Vault;
use url::Url;

use super::cookie::Sealer;
use super::problems::provider_unknown;
use super::provider::{self, Provider};
use super::settings::SignInSettings;
use super::{grants, transfers};
use crate::features::accounts::AccountsState;
use crate::features::notifications::NotificationsState;
use crate::http::client_address::ClientAddress;
use crate::http::limits::{Policy, RateLimiter};
use crate::http::problem::ApiError;

/// A provider that is offered.
#[derive(Debug)]
pub(super) struct Offered {
    /// Label of the button.
    pub(super) title: String,
    pub(super) provider: Arc<dyn Provider>,
}

/// The part of the application's state that signing in uses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct SignInState {
    pub(super) pool: Database,
    pub(super) limiter: RateLimiter,
    pub(super) accounts: AccountsState,
    pub(super) notifications: NotificationsState,
    pub(super) providers: Arc<BTreeMap<String, Offered>>,
    pub(super) sealer: Sealer,
    /// Encrypts what providers grant.
    pub(super) vault: Vault,
    /// The page's origin, to which providers send browsers back.
    pub(super) origin: Arc<Url>,
    pub(super) per_minute: u32,
}

/// Dependencies of signing in on other features.
#[derive(Debug)]
pub(crate) struct Dependencies {
    pub(crate) pool: Database,
    pub(crate) limiter: RateLimiter,
    pub(crate) accounts: AccountsState,
    pub(crate) notifications: NotificationsState,
    pub(crate) origin: Url,
    pub(crate) vault: Vault,
    pub(crate) leadership: Leadership,
}

impl SignInState {
    /// Builds the providers, and starts to move the analyses of guests who signed in.
    pub(crate) fn start(
        settings: SignInSettings,
        dependencies: Dependencies,
        shutdown: &Shutdown,
    ) -> anyhow::Result<Self> {
        let Dependencies { pool, limiter, accounts, notifications, origin, vault, leadership } =
            dependencies;
        let mut providers = BTreeMap::new();
        for config in settings.providers {
            let (name, title) = (config.name.clone(), config.title.clone());
            let callback = origin.join(&format!("/v1/sign-in/{name}/callback"));
            let provider = provider::build(config, callback.context("the page's origin")?)?;
            providers.insert(name, Offered { title, provider });
        }
        let providers = Arc::new(providers);
        let draining = shutdown.draining.clone();
        shutdown.tasks.spawn(transfers::run(pool.clone(), draining.clone()));
        let resealing = reseal::run::<grants::Grants>(
            pool.clone(),
            vault.clone(),
            leadership.clone(),
            draining.clone(),
        );
        shutdown.tasks.spawn(resealing);
        let (database, offered) = (pool.clone(), Arc::clone(&providers));
        shutdown.tasks.spawn(grants::run(database, vault.clone(), offered, leadership, draining));
        Ok(Self {
            pool,
            limiter,
            sealer: Sealer::new(accounts.secret()),
            accounts,
            notifications,
            providers,
            vault,
            origin: Arc::new(origin),
            per_minute: settings.per_minute,
        })
    }

    /// Counts an attempt of an address.
    pub(crate) async fn check_rate(&self, address: ClientAddress) -> Result<(), ApiError> {
        let policy = Policy::per_minute("sign-in", self.per_minute);
        self.limiter.check(&policy, address.network()).await
    }

    /// The provider of a name, in whatever case.
    pub(super) fn offered(&self, name: &str) -> Result<(&str, &Offered), ApiError> {
        let found = self.providers.get_key_value(&name.to_ascii_lowercase());
        found.map(|(name, offered)| (name.as_str(), offered)).ok_or_else(provider_unknown)
    }
}
