//! Management API of the broker, and virtual hosts for measurements with the topology of `rabbitmq/definitions.json`.

use anyhow::Context;
use reqwest::{Client, Method};
use serde_json::{Map, Value};
use url::Url;

/// Client of the management API.
#[derive(Debug, Clone)]
pub(crate) struct Management {
    address: Url,
    http: Client,
}

impl Management {
    pub(crate) fn new(address: &Url) -> anyhow::Result<Self> {
        Ok(Self { address: address.clone(), http: crate::load::target::http()? })
    }

    /// Calls `/api/…`; returns the response, null if it is empty.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Value> {
        let base = self.address.as_str().trim_end_matches('/');
        let mut request = self.http.request(method, format!("{base}/api/{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let text = request.send().await?.error_for_status()?.text().await?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

#[derive(Debug)]
pub(super) struct VirtualHost {
    name: String,
    management: Management,
}

impl VirtualHost {
    pub(super) async fn create(management: &Url, name: &str) -> anyhow::Result<Self> {
        let vhost = Self { name: name.to_owned(), management: Management::new(management)? };
        let made = vhost.ask(Method::PUT, &format!("vhosts/{name}"), None).await;
        made.context("creating a virtual host; are the services up?")?;
        let file = super::repository().join("rabbitmq/definitions.json");
        let all: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let mut definitions = Map::new();
        for kind in ["exchanges", "queues", "bindings", "policies"] {
            let mut items = all[kind].clone();
            for item in items.as_array_mut().into_iter().flatten() {
                item.as_object_mut().and_then(|item| item.remove("vhost"));
            }
            definitions.insert(kind.to_owned(), items);
        }
        vhost.ask(Method::POST, &format!("definitions/{name}"), Some(definitions.into())).await?;
        Ok(vhost)
    }

    /// Number of consumers of all queues, from the broker's own state, since the queues' statistics lag by seconds.
    pub(super) async fn consumers(&self) -> anyhow::Result<usize> {
        let consumers = self.ask(Method::GET, &format!("consumers/{}", self.name), None).await?;
        Ok(consumers.as_array().map_or(0, Vec::len))
    }

    pub(super) async fn delete(&self) -> anyhow::Result<()> {
        self.ask(Method::DELETE, &format!("vhosts/{}", self.name), None).await?;
        Ok(())
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.management.ask(method, path, body).await
    }
}
