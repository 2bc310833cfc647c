//! Finding the instances: a name may stand for several, which are addressed one by one, since each has its own queue.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use reqwest::Client;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};
use url::Url;

use super::admission::InstanceId;
use super::connections::Connections;
use super::limit::Signals;
use super::sharing::Name;
use crate::config::AnalyzerConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an instance to say what it has.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// One instance's address, and the connections to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// What all replicas call it.
    pub(crate) name: Name,
    /// Where photos are sent.
    pub(crate) url: Url,
    base: Url,
    address: SocketAddr,
    answer_timeout: Duration,
    connections: Mutex<Connections<Client>>,
}

impl Endpoint {
    /// A connection that no other request uses; made anew where none is idle. One that is not given back is closed.
    pub(crate) fn connect(&self) -> reqwest::Result<Client> {
        let idle = self.lock().take();
        idle.map_or_else(|| client(&self.base, self.address, self.answer_timeout), Ok)
    }

    /// Gives a connection back; see [`Connections::give_back`] for `took`.
    pub(crate) fn give_back(&self, connection: Client, took: Option<Duration>) {
        self.lock().give_back(Instant::now(), connection, took);
    }

    /// What the instance says it has; `None` where it does not say.
    async fn introduction(&self) -> Option<Signals> {
        let health = self.url.join("healthz").ok()?;
        let connection = self.connect().ok()?;
        let answer = connection.get(health).timeout(ASK_TIMEOUT).send().await.ok()?;
        let signals = Signals::read(answer.headers());
        self.give_back(connection, None);
        signals
    }

    fn lock(&self) -> MutexGuard<'_, Connections<Client>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The configured addresses and what they stand for.
#[derive(Debug)]
pub(crate) struct Endpoints {
    bases: Vec<Url>,
    answer_timeout: Duration,
    known: BTreeMap<(Url, SocketAddr), (InstanceId, Arc<Endpoint>)>,
    made: InstanceId,
    /// Those that have not been asked what they have.
    new: Vec<(InstanceId, Arc<Endpoint>)>,
}

impl Endpoints {
    /// Nothing is looked up yet.
    pub(crate) fn new(config: &AnalyzerConfig) -> Self {
        Self {
            bases: config.urls.clone(),
            answer_timeout: config.timeout,
            known: BTreeMap::new(),
            made: 0,
            new: Vec::new(),
        }
    }

    /// The instances there are now. A name that cannot be resolved keeps the instances it had.
    pub(crate) async fn resolve(&mut self) -> HashMap<InstanceId, Arc<Endpoint>> {
        for base in self.bases.clone() {
            let found = match timeout(LOOKUP_TIMEOUT, addresses(&base)).await {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    tracing::warn!(%base, "cannot find the analyzer: {error:#}");
                    continue;
                }
                Err(_) => continue,
            };
            self.known.retain(|(of, address), _| *of != base || found.contains(address));
            for address in found {
                self.remember(&base, address);
            }
        }
        self.known.values().map(|(id, endpoint)| (*id, Arc::clone(endpoint))).collect()
    }

    /// Asks the instances that are new what they have. One that does not say is found out by its answers.
    pub(crate) async fn introductions(&mut self) -> Vec<(InstanceId, Signals)> {
        let new = std::mem::take(&mut self.new);
        let asked = new.into_iter().map(|(id, endpoint)| async move {
            let signals = endpoint.introduction().await?;
            Some((id, signals))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    fn remember(&mut self, base: &Url, address: SocketAddr) {
        let key = (base.clone(), address);
        if self.known.contains_key(&key) {
            return;
        }
        match endpoint(base, address, self.answer_timeout) {
            Ok(endpoint) => {
                tracing::info!(%base, %address, "analyzer found");
                self.made += 1;
                let endpoint = Arc::new(endpoint);
                self.new.push((self.made, Arc::clone(&endpoint)));
                self.known.insert(key, (self.made, endpoint));
            }
            Err(error) => tracing::error!(%base, "cannot use the analyzer: {error:#}"),
        }
    }
}

async fn addresses(base: &Url) -> anyhow::Result<Vec<SocketAddr>> {
    let host = base.host_str().context("the address names no host")?;
    let port = base.port_or_known_default().context("the address names no port")?;
    // Brackets around an IPv6 address belong to the URL.
    let host = host.trim_matches(['[', ']']);
    Ok(lookup_host((host, port)).await?.collect())
}

/// The instance at an address.
pub(crate) fn endpoint(
    base: &Url,
    address: SocketAddr,
    answer_timeout: Duration,
) -> anyhow::Result<Endpoint> {
    let url = format!("{}/analyze-color", base.as_str().trim_end_matches('/')).parse();
    let endpoint = Endpoint {
        name: format!("{address}/{}{}", base.host_str().unwrap_or_default(), base.path()),
        url: url.context("building the analyzer's address")?,
        base: base.clone(),
        address,
        answer_timeout,
        connections: Mutex::default(),
    };
    let first = endpoint.connect().context("building the analyzer's client")?;
    endpoint.give_back(first, None);
    Ok(endpoint)
}

/// A client with one connection to an address; the name stays in the URL, for TLS and for virtual hosts.
fn client(base: &Url, address: SocketAddr, answer_timeout: Duration) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("toneup-worker/", env!("CARGO_PKG_VERSION")))
        .resolve(base.host_str().unwrap_or_default(), address)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(answer_timeout)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(1)
        .build()
}
