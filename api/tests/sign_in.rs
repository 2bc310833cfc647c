//! Signing in with accounts elsewhere, against a certified OpenID Connect provider and doubles of those that differ.

mod acme;
mod app;
mod browser;
mod posted;
mod refusals;
mod strategies;

use serde_json::{Value, json};
use toneup_testing::{Answer, Client, Stack};

pub(crate) use self::acme::Acme;

/// Origin of the page, as registered with the providers.
const PAGE: &str = "http://page.test";

/// Posts an ID token.
async fn post(client: &Client, token: &str) -> Answer {
    client.post("/v1/sessions", json!({ "provider": "acme", "idToken": token })).await
}

/// A client with what a session answered.
fn with(client: &Client, session: Value) -> Client {
    let mut client = client.clone();
    client.session = session;
    client
}

/// A stack with the provider.
async fn stack(db: sqlx::MySqlPool) -> (Stack, Acme) {
    let acme = Acme::start(PAGE).await;
    let stack = Stack::new(db)
        .await
        .with("PAGE_ORIGIN", PAGE)
        .with("SIGN_IN_PER_MINUTE", "10000")
        .with("SIGN_IN_PROVIDERS", acme.settings());
    (stack, acme)
}
