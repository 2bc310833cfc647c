//! The push services of others, as processes of the test's own that check what the real ones check.

use serde_json::{Value, json};
use toneup_testing::Client;

use crate::double::Double;

/// A browser's push service.
pub(super) struct PushService(Double);

/// A browser that is subscribed.
pub(super) struct Browser {
    /// Identifier of the subscription at the push service.
    pub(super) id: String,
    /// Body of the page's request to register it.
    pub(super) subscription: Value,
}

impl PushService {
    pub(super) async fn start() -> Self {
        Self(Double::start("push-service.mjs", &[]).await)
    }

    /// Does what `pushManager.subscribe` does, with this key.
    pub(super) async fn subscribe(&self, key: &str) -> Browser {
        let made = self.0.post("/subscriptions", json!({ "applicationServerKey": key })).await;
        let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        let (endpoint, keys) = (&made["endpoint"], &made["keys"]);
        Browser { id, subscription: json!({ "kind": "web", "endpoint": endpoint, "keys": keys }) }
    }

    /// Subscribes with the api's key, and registers.
    pub(super) async fn join(&self, guest: &Client) -> Browser {
        let key = guest.get("/v1/push-subscriptions/vapid-key").await.body;
        let browser = self.subscribe(key["publicKey"].as_str().unwrap()).await;
        super::register(guest, browser.subscription.clone()).await;
        browser
    }

    pub(super) async fn script(&self, browser: &Browser, answers: Value) {
        self.0.post(&format!("/script/{}", browser.id), answers).await;
    }

    pub(super) async fn attempts(&self, browser: &Browser, count: usize) -> Vec<Value> {
        self.0.attempts(&browser.id, count).await
    }
}

/// Google's token endpoint and FCM.
pub(super) struct Fcm(Double);

impl Fcm {
    pub(super) async fn start() -> Self {
        Self(Double::start("fcm.mjs", &[]).await)
    }

    pub(super) fn url(&self) -> &str {
        &self.0.url
    }

    pub(super) async fn service_account(&self) -> String {
        self.0.get("/service-account").await.to_string()
    }

    pub(super) async fn script(&self, token: &str, answers: Value) {
        self.0.post(&format!("/script/{token}"), answers).await;
    }

    pub(super) async fn revoke(&self) {
        self.0.post("/revoke", json!({})).await;
    }

    pub(super) async fn grants(&self) -> u64 {
        self.0.get("/grants").await["grants"].as_u64().unwrap()
    }

    pub(super) async fn attempts(&self, token: &str, count: usize) -> Vec<Value> {
        self.0.attempts(token, count).await
    }
}
