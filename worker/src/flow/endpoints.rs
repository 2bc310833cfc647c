//! Finding the instances: a name may stand for several, which are addressed one by one, since each has its own queue.

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
/// Longest wait for an instance to say what it has.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// What all connections have in common.
#[derive(Debug, Clone)]
pub(crate) struct Dialling {
    /// Longest wait for one answer.
    pub(crate) answer_timeout: Duration,
    /// Whom they trust, where an address asks for encryption.
    pub(crate) tls: ClientConfig,
}

/// One instance's address, and the connections to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// What all replicas call it.
    pub(crate) name: Name,
    /// Where photos are sent.
    pub(crate) url: Url,
    base: Url,
    address: SocketAddr,
    dialling: Dialling,
    /// The instance in metrics.
    pub(crate) label: String,
    connections: Mutex<Connections<Client>>,
}

impl Endpoint {
    /// A connection that no other request uses; made anew where none is idle. One that is not given back is closed.
    pub(crate) fn connect(&self) -> reqwest::Result<Client> {
        let idle = self.lock().take();
        idle.map_or_else(|| client(&self.base, self.address, &self.dialling), Ok)
    }

    /// Gives a connection back; see [`Connections::give_back`] for `took`.
    pub(crate) fn give_back(&self, connection: Client, took: Option<Duration>) {
        self.lock().give_back(Instant::now(), connection, took);
    }

    /// What the instance says it has, and what it answers with; `None` where there is no answer.
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

/// The configured addresses and what they stand for.
#[derive(Debug)]
pub(crate) struct Endpoints {
    bases: Vec<Url>,
    dialling: Dialling,
    known: BTreeMap<(Url, SocketAddr), (InstanceId, Arc<Endpoint>)>,
    made: InstanceId,
    /// The addresses that metrics know by themselves.
    labels: BTreeSet<String>,
    /// Those that have not been asked what they have.
    new: BTreeSet<InstanceId>,
    /// The models they last said they answer with.
    models: BTreeMap<InstanceId, Model>,
}

/// What an instance says of itself before it is given anything.
#[derive(Debug)]
struct Introduction {
    id: InstanceId,
    signals: Option<Signals>,
    model: Option<Model>,
}

impl Endpoints {
    /// Nothing is looked up yet.
    pub(crate) fn new(config: &AnalyzerConfig) -> Self {
        Self {
            bases: config.urls.clone(),
            dialling: Dialling { answer_timeout: config.timeout, tls: config.trust.rustls() },
            known: BTreeMap::new(),
            made: 0,
            labels: BTreeSet::new(),
            new: BTreeSet::new(),
            models: BTreeMap::new(),
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

    /// Asks all instances what they are, and answers what those that are new have. One that does not say is found out by
    /// its answers.
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

    /// The models that the instances answer with, as they said last; one that does not answer may come back as it was.
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
        match endpoint(base, address, &self.dialling) {
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

/// Addresses that metrics tell apart; pods come and go, and a label is for ever.
const LABELS: usize = 32;

/// Reads `X-Model: name/version`.
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

/// The instance at an address.
pub(crate) fn endpoint(
    base: &Url,
    address: SocketAddr,
    dialling: &Dialling,
) -> anyhow::Result<Endpoint> {
    let url = format!("{}/analyze-color", base.as_str().trim_end_matches('/')).parse();
    let endpoint = Endpoint {
        name: format!("{address}/{}{}", base.host_str().unwrap_or_default(), base.path()),
        url: url.context("building the analyzer's address")?,
        base: base.clone(),
        address,
        dialling: dialling.clone(),
        label: address.to_string(),
        connections: Mutex::default(),
    };
    let first = endpoint.connect().context("building the analyzer's client")?;
    endpoint.give_back(first, None);
    Ok(endpoint)
}

/// A client with one connection to an address; the name stays in the URL, for TLS and for virtual hosts.
fn client(base: &Url, address: SocketAddr, dialling: &Dialling) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("toneup-worker/", env!("CARGO_PKG_VERSION")))
        .resolve(base.host_str().unwrap_or_default(), address)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(dialling.answer_timeout)
        .tls_backend_preconfigured(dialling.tls.clone())
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(1)
        .build()
}
