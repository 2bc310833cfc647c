//! The state of the whole application.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use toneup_jobs::sweep::Sweep;
use toneup_platform::database::Database;
use toneup_platform::shutdown::Shutdown;

use super::config::ApiConfig;
use super::features::{self, Features};
use super::hint_listener::spawn_hint_listener;
use super::maintenance::spawn_maintenance;
use super::platform::Platform;
use super::warm_up;
use crate::features::analyses::Watchers;
use crate::http::client_address::TrustedProxies;
use crate::http::identity::Authenticator;
use crate::http::measure::OpenStreams;

/// The state of the whole application; each feature is handed its own part.
///
/// One pointer: the router clones it several times in each request.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Parts>);

/// What the state consists of.
#[derive(Debug)]
pub struct Parts {
    /// Configuration of the api.
    pub(super) config: ApiConfig,
    /// States of the features.
    pub(super) features: Features,
    /// Verifier of access tokens.
    authenticator: Authenticator,
    /// Proxies that are trusted to name the client's address.
    proxies: TrustedProxies,
    /// The event streams that are open here.
    pub(super) streams: OpenStreams,
    /// Cancelled when the process finishes what is open, and takes no more.
    pub(super) draining: CancellationToken,
    /// The readiness check's view of the process.
    pub(super) readiness: Readiness,
}

/// The facts that the readiness check looks at.
#[derive(Debug, Clone)]
pub(super) struct Readiness {
    pub(super) pool: Database,
    pub(super) watchers: Watchers,
    /// Cancelled when the process should receive no more requests.
    pub(super) leaving: CancellationToken,
    /// True once the warm-up is complete.
    pub(super) warm: watch::Receiver<bool>,
}

impl Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl AppState {
    /// Opens everything and starts the background tasks on `shutdown`.
    pub fn start(config: ApiConfig, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let platform = Platform::open(&config, shutdown)?;
        let (watchers, connected) = Watchers::new();
        let features = Features::start(&config, &platform, &watchers, shutdown)?;
        spawn_hint_listener(
            config.redis.clone(),
            watchers.clone(),
            features.notifications.dispatchers(),
            connected,
            shutdown,
        );
        Sweep::spawn(platform.engine.clone(), shutdown);
        let purges = features::purges(&config.features);
        spawn_maintenance(purges, platform.pool.clone(), platform.maintenance, shutdown);
        let (set_warm, warm) = watch::channel(false);
        shutdown.tasks.spawn(warm_up::run(
            platform.engine,
            watchers.clone(),
            platform.limiter,
            set_warm,
            shutdown.draining.clone(),
        ));
        let leaving = shutdown.leaving.clone();
        Ok(Self(Arc::new(Parts {
            authenticator: Authenticator::new(features.accounts.live_tokens()),
            proxies: TrustedProxies::new(
                config.server.client_ip_header.as_deref(),
                config.server.client_ip_hops,
            ),
            config,
            features,
            streams: platform.streams,
            draining: shutdown.draining.clone(),
            readiness: Readiness { pool: platform.pool, watchers, leaving, warm },
        })))
    }
}

impl FromRef<AppState> for Authenticator {
    fn from_ref(state: &AppState) -> Self {
        state.authenticator.clone()
    }
}

impl FromRef<AppState> for TrustedProxies {
    fn from_ref(state: &AppState) -> Self {
        state.proxies.clone()
    }
}

impl FromRef<AppState> for Readiness {
    fn from_ref(state: &AppState) -> Self {
        state.readiness.clone()
    }
}
