//! The provider: a real one, in a process of the test's own.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::double::Double;

pub(crate) struct Acme(pub(super) Double);

impl Acme {
    /// Starts it; it sends browsers back to `page`.
    pub(crate) async fn start(page: &str) -> Self {
        Self(Double::start("oidc.mjs", &[page]).await)
    }

    /// Any provider by configuration alone: the same twice, once posting its answers.
    pub(crate) fn settings(&self) -> String {
        let (issuer, secret) = (&self.0.url, "a client secret that only the tests know");
        let common =
            format!("issuer = '{issuer}', client_secret = '{secret}', scopes = ['profile']");
        format!(
            "acme = {{ title = 'Acme', client_id = 'web', audiences = ['ios', 'android'], {common} }}\n\
             poster = {{ client_id = 'poster', form_post = true, {common} }}"
        )
    }

    /// The claims of a good ID token.
    pub(super) fn claims(&self, subject: &str) -> Value {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        json!({ "iss": self.0.url, "aud": "web", "sub": subject, "iat": now, "exp": now + 600,
                "jti": uuid::Uuid::new_v4(), "name": "Mina Kim" })
    }

    /// Signs a token as the provider would; `key` names another key.
    pub(super) async fn sign(&self, claims: Value, header: Value, key: &str) -> String {
        let forged = json!({ "claims": claims, "header": header, "key": key });
        self.0.post("/forge", forged).await["token"].as_str().unwrap().to_owned()
    }

    /// A good ID token of somebody.
    pub(super) async fn token(&self, subject: &str) -> String {
        self.sign(self.claims(subject), json!({}), "provider").await
    }
}
