//! A provider's metadata and keys, fetched when they are needed and kept.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::anyhow;
use openidconnect::IssuerUrl;
use openidconnect::core::CoreProviderMetadata;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Refusal;
use super::fetch::Fetch;

/// Age at which they are fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// Age up to which they serve while the provider does not answer.
const STALE: Duration = Duration::from_hours(24);
/// Pause after an attempt, successful or not: tokens with made-up key ids must not turn us against the provider.
const PAUSE: Duration = Duration::from_secs(10);

/// Metadata with the keys, and when they came.
#[derive(Debug)]
struct Fetched {
    metadata: CoreProviderMetadata,
    at: Instant,
}

/// Keeps one provider's metadata.
#[derive(Debug)]
pub(super) struct Cache {
    issuer: IssuerUrl,
    fetch: Fetch,
    kept: RwLock<Option<Arc<Fetched>>>,
    /// The last attempt. Who comes while one is made waits for it.
    attempted: Mutex<Option<Instant>>,
}

/// The metadata, borrowed from the cache.
#[derive(Debug, Clone)]
pub(super) struct Known(Arc<Fetched>);

impl std::ops::Deref for Known {
    type Target = CoreProviderMetadata;

    fn deref(&self) -> &CoreProviderMetadata {
        &self.0.metadata
    }
}

impl Cache {
    pub(super) fn new(issuer: IssuerUrl, fetch: Fetch) -> Self {
        Self { issuer, fetch, kept: RwLock::default(), attempted: Mutex::default() }
    }

    /// The metadata, not older than it may be.
    pub(super) async fn get(&self) -> Result<Known, Refusal> {
        match self.known() {
            Some(known) if known.0.at.elapsed() < FRESH => Ok(known),
            old => match self.renew(old.as_ref()).await {
                Ok(known) => Ok(known),
                Err(error) => {
                    old.filter(|old| old.0.at.elapsed() < STALE).ok_or(Refusal::Unavailable(error))
                }
            },
        }
    }

    /// Newer metadata than `old`, which lacks a key; `None` if none can be had yet.
    pub(super) async fn newer(&self, old: &Known) -> Option<Known> {
        self.renew(Some(old)).await.ok()
    }

    fn known(&self) -> Option<Known> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone().map(Known)
    }

    /// Fetches, unless somebody else has, or tried a moment ago.
    async fn renew(&self, old: Option<&Known>) -> anyhow::Result<Known> {
        let mut attempted = self.attempted.lock().await;
        if let Some(known) = self.known()
            && old.is_none_or(|old| !Arc::ptr_eq(&old.0, &known.0))
        {
            return Ok(known);
        }
        if attempted.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(anyhow!("tried a moment ago"));
        }
        let fetch = self.fetch.clone();
        let call = move |request| fetch.clone().call(request);
        let fetched = CoreProviderMetadata::discover_async(self.issuer.clone(), &call).await;
        *attempted = Some(Instant::now());
        let fetched = Arc::new(Fetched { metadata: fetched?, at: Instant::now() });
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fetched));
        Ok(Known(fetched))
    }
}
