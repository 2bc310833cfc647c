//! Access tokens that a measurement signs itself: nothing is looked up to verify one.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::site::TOKEN_KEY;

/// Signer with the key of every site.
pub(crate) struct Signer {
    key: EncodingKey,
    header: Header,
}

impl Signer {
    /// Prepares the key of every site, under the id by which the API at `api` publishes it.
    pub(crate) async fn of(api: &str) -> anyhow::Result<Self> {
        let url = format!("{api}/.well-known/jwks.json");
        let keys: Value = super::target::http()?.get(url).send().await?.json().await?;
        let kid = keys["keys"][0]["kid"].as_str().context("no key is published")?.to_owned();
        let typ = Some("at+jwt".to_owned());
        let header = Header { typ, kid: Some(kid), ..Header::new(Algorithm::EdDSA) };
        // An Ed25519 private key in PKCS #8 (RFC 8410, section 7).
        let seed = BASE64_STANDARD.decode(TOKEN_KEY)?;
        let der = [b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20", &*seed];
        Ok(Self { key: EncodingKey::from_ed_der(&der.concat()), header })
    }

    /// Signs a token of a user, with a session of its own, valid for two hours.
    pub(crate) fn token(&self, user: Uuid) -> anyhow::Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let session = Uuid::now_v7();
        let claims =
            json!({ "sub": user, "sid": session, "iss": "toneup", "iat": now, "exp": now + 7200 });
        Ok(jsonwebtoken::encode(&self.header, &claims, &self.key)?)
    }
}
