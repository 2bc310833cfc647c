//! Finding the instances: a name may stand for several, which are addressed one by one, since each has its own queue.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::future::join_all;
use reqwest::Client;
use tokio::net::lookup_host;
use tokio::time::timeout;
use url::Url;

use super::admission::InstanceId;
use super::limit::Signals;
use crate::config::AnalyzerConfig;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for an instance to say what it has.
const ASK_TIMEOUT: Duration = Duration::from_secs(1);

/// One instance's address, and a client that speaks to it alone.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// Where photos are sent.
    pub(crate) url: Url,
    /// Bound to the instance's address.
    pub(crate) client: Client,
    /// The instance in metrics.
    pub(crate) label: String,
}

/// The configured addresses and what they stand for.
#[derive(Debug)]
pub(crate) struct Endpoints {
    bases: Vec<Url>,
    answer_timeout: Duration,
    known: BTreeMap<(Url, SocketAddr), (InstanceId, Arc<Endpoint>)>,
    made: InstanceId,
    /// The addresses that metrics know by themselves.
    labels: BTreeSet<String>,
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
            labels: BTreeSet::new(),
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
        let asked = new.into_iter().map(async |(id, endpoint)| {
            let health = endpoint.url.join("healthz").ok()?;
            let answer = endpoint.client.get(health).timeout(ASK_TIMEOUT).send().await.ok()?;
            Some((id, Signals::read(answer.headers())?))
        });
        join_all(asked).await.into_iter().flatten().collect()
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
        match endpoint(base, address, self.answer_timeout) {
            Ok(mut endpoint) => {
                endpoint.label = self.label(endpoint.label);
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

/// Addresses that metrics tell apart; pods come and go, and a label is for ever.
const LABELS: usize = 32;

async fn addresses(base: &Url) -> anyhow::Result<Vec<SocketAddr>> {
    let host = base.host_str().context("the address names no host")?;
    let port = base.port_or_known_default().context("the address names no port")?;
    // Brackets around an IPv6 address belong to the URL.
    let host = host.trim_matches(['[', ']']);
    Ok(lookup_host((host, port)).await?.collect())
}

/// The instance at an address; the name stays in the URL, for TLS and for virtual hosts.
pub(crate) fn endpoint(
    base: &Url,
    address: SocketAddr,
    answer_timeout: Duration,
) -> anyhow::Result<Endpoint> {
    let client = Client::builder()
        .user_agent(concat!("toneup-worker/", env!("CARGO_PKG_VERSION")))
        .resolve(base.host_str().unwrap_or_default(), address)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(answer_timeout)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .context("building the analyzer's client")?;
    let url = format!("{}/analyze-color", base.as_str().trim_end_matches('/')).parse();
    let url = url.context("building the analyzer's address")?;
    Ok(Endpoint { url, client, label: address.to_string() })
}
