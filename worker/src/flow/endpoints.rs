//! Service discovery of the analyzers: a name may resolve to several instances, which are addressed one by one, since
//! each has its own queue.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use reqwest::Client;
use reqwest::header::HeaderMap;
use tokio::net::lookup_host;
use tokio::time::{Instant, timeout};
use toneup_colour::result::Model;
use toneup_platform::tls::ClientConfig;
use url::Url;

use super::admission::InstanceId;
use super::connections::Connections;
use super::limit::Signals;
use super::sharing::Name;
use crate::config::AnalyzerConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout of a health request.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// Connection options common to all instances.
#[derive(Debug, Clone)]
pub(crate) struct ConnectOptions {
    /// Timeout of one request.
    pub(crate) answer_timeout: Duration,
    /// Trusted certificate authorities, for `https` addresses.
    pub(crate) tls: ClientConfig,
}

/// Address of one instance, and the connections to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Name of the instance in Redis, the same in all replicas.
    pub(crate) name: Name,
    /// URL that photos are posted to.
    pub(crate) url: Url,
    base: Url,
    address: SocketAddr,
    options: ConnectOptions,
    /// Value of the metrics' label `instance`; `other` beyond the first instances.
    pub(crate) label: String,
    connections: Mutex<Connections<Client>>,
}

impl Endpoint {
    /// Takes an idle connection or prepares a new one, for one request at a time. One that is not given back is closed.
    pub(crate) fn connect(&self) -> reqwest::Result<Client> {
        let idle = self.lock().take();
        idle.map_or_else(|| client(&self.base, self.address, &self.options), Ok)
    }

    /// Gives a connection back; see [`Connections::give_back`] for `took`.
    pub(crate) fn give_back(&self, connection: Client, took: Option<Duration>) {
        self.lock().give_back(Instant::now(), connection, took);
    }

    /// Asks `healthz` for the capacity and the model of the instance; `None` if it does not respond.
    async fn introduction(&self) -> Option<(Option<Signals>, Option<Model>)> {
        let health = self.url.join("healthz").ok()?;
        let connection = self.connect().ok()?;
        let answer = connection.get(health).timeout(ASK_TIMEOUT).send().await.ok()?;
        let said = (Signals::read(answer.headers()), model(answer.headers()));
        self.give_back(connection, None);
        Some(said)
    }

    fn lock(&self) -> MutexGuard<'_, Connections<Client>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The configured addresses and the instances that they resolve to.
#[derive(Debug)]
pub(crate) struct Endpoints {
    bases: Vec<Url>,
    options: ConnectOptions,
    known: BTreeMap<(Url, SocketAddr), (InstanceId, Arc<Endpoint>)>,
    made: InstanceId,
    /// Addresses that have a label of their own in metrics.
    labels: BTreeSet<String>,
    /// Instances whose capacity has not been asked for.
    new: BTreeSet<InstanceId>,
    /// Model last reported by each instance.
    models: BTreeMap<InstanceId, Model>,
}

/// Capacity and model that an instance reports in response to a health request.
#[derive(Debug)]
struct Introduction {
    id: InstanceId,
    signals: Option<Signals>,
    model: Option<Model>,
}

impl Endpoints {
    /// Takes the configured addresses; none is resolved yet.
    pub(crate) fn new(config: &AnalyzerConfig) -> Self {
        Self {
            bases: config.urls.clone(),
            options: ConnectOptions { answer_timeout: config.timeout, tls: config.trust.rustls() },
            known: BTreeMap::new(),
            made: 0,
            labels: BTreeSet::new(),
            new: BTreeSet::new(),
            models: BTreeMap::new(),
        }
    }

    /// Resolves all addresses. A name that cannot be resolved keeps its previous instances.
    pub(crate) async fn resolve(&mut self) -> HashMap<InstanceId, Arc<Endpoint>> {
        for base in self.bases.clone() {
            let found = match timeout(LOOKUP_TIMEOUT, addresses(&base)).await {
                Ok(Ok(found)) => found,
                Ok(Err(error)) => {
                    tracing::warn!(%base, "cannot resolve the analyzer's address: {error:#}");
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

    /// Asks all instances for model and capacity, and returns the capacity of the new ones. Where an instance does not
    /// report it, it follows from the responses to jobs.
    pub(crate) async fn introductions(&mut self) -> Vec<(InstanceId, Signals)> {
        let asked = self.known.values().map(|(id, endpoint)| async move {
            let (signals, model) = endpoint.introduction().await?;
            Some(Introduction { id: *id, signals, model })
        });
        let said: Vec<Introduction> = join_all(asked).await.into_iter().flatten().collect();
        let there: BTreeSet<InstanceId> = self.known.values().map(|(id, _)| *id).collect();
        self.models.retain(|id, _| there.contains(id));
        let new = std::mem::take(&mut self.new);
        let mut introductions = Vec::new();
        for Introduction { id, signals, model } in said {
            match model {
                Some(model) => drop(self.models.insert(id, model)),
                None => drop(self.models.remove(&id)),
            }
            introductions
                .extend(signals.filter(|_| new.contains(&id)).map(|signals| (id, signals)));
        }
        introductions
    }

    /// Models of all instances as last reported; an instance that does not respond keeps its model.
    pub(crate) fn models(&self) -> BTreeSet<Model> {
        self.models.values().cloned().collect()
    }

    fn label(&mut self, address: String) -> String {
        if self.labels.contains(&address) || self.labels.len() < LABELS {
            self.labels.insert(address.clone());
            return address;
        }
        "other".to_owned()
    }

    fn remember(&mut self, base: &Url, address: SocketAddr) {
        let key = (base.clone(), address);
        if self.known.contains_key(&key) {
            return;
        }
        match endpoint(base, address, &self.options) {
            Ok(mut endpoint) => {
                endpoint.label = self.label(endpoint.label);
                tracing::info!(%base, %address, "analyzer found");
                self.made += 1;
                let endpoint = Arc::new(endpoint);
                self.new.insert(self.made);
                self.known.insert(key, (self.made, endpoint));
            }
            Err(error) => tracing::error!(%base, "cannot use the analyzer: {error:#}"),
        }
    }
}

/// Most addresses with a label of their own in metrics: pods come and go, while a time series stays.
const LABELS: usize = 32;

/// Parses the header `X-Model: name/version`.
fn model(headers: &HeaderMap) -> Option<Model> {
    let (name, version) = headers.get("x-model")?.to_str().ok()?.rsplit_once('/')?;
    Some(Model { name: name.to_owned(), version: version.to_owned() })
}

async fn addresses(base: &Url) -> anyhow::Result<Vec<SocketAddr>> {
    let host = base.host_str().context("the address names no host")?;
    let port = base.port_or_known_default().context("the address names no port")?;
    // Brackets around an IPv6 address belong to the URL.
    let host = host.trim_matches(['[', ']']);
    Ok(lookup_host((host, port)).await?.collect())
}

/// Creates the endpoint of the instance at an address.
pub(crate) fn endpoint(
    base: &Url,
    address: SocketAddr,
    options: &ConnectOptions,
) -> anyhow::Result<Endpoint> {
    let url = format!("{}/analyze-color", base.as_str().trim_end_matches('/')).parse();
    let endpoint = Endpoint {
        name: format!("{address}/{}{}", base.host_str().unwrap_or_default(), base.path()),
        url: url.context("building the analyzer's address")?,
        base: base.clone(),
        address,
        options: options.clone(),
        label: address.to_string(),
        connections: Mutex::default(),
    };
    let first = endpoint.connect().context("building the analyzer's client")?;
    endpoint.give_back(first, None);
    Ok(endpoint)
}

/// Builds a client with one connection to an address. The URL keeps the host name, for TLS and virtual hosts.
fn client(base: &Url, address: SocketAddr, options: &ConnectOptions) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("toneup-worker/", env!("CARGO_PKG_VERSION")))
        .resolve(base.host_str().unwrap_or_default(), address)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(options.answer_timeout)
        .tls_backend_preconfigured(options.tls.clone())
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(1)
        .build()
}
