//! Peculiarities of Apple: the client secret is a token that we sign, and the name comes beside the code, once.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use toneup_platform::config::ConfigError;

use super::config::ProviderConfig;

/// Lifetime of a client secret; Apple takes up to six months, and each exchange makes its own.
const TTL: Duration = Duration::from_mins(5);

/// Key that signs client secrets.
pub(super) struct ClientSecretKey {
    key: EncodingKey,
    key_id: String,
    team_id: String,
}

impl std::fmt::Debug for ClientSecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientSecretKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
    exp: i64,
    aud: &'a str,
    sub: &'a str,
}

impl ClientSecretKey {
    /// Reads the key, if the provider has one.
    pub(super) fn read(config: &ProviderConfig) -> Result<Option<Self>, ConfigError> {
        let Some(key) = &config.private_key else { return Ok(None) };
        // In an environment variable its lines end with `\n`.
        let pem = key.expose_secret().replace("\\n", "\n");
        Ok(Some(Self {
            key: EncodingKey::from_ec_pem(pem.as_bytes())
                .map_err(|_| config.invalid("private_key", "an EC key in PEM (PKCS #8)"))?,
            key_id: config.required("key_id", config.key_id.clone())?,
            team_id: config.required("team_id", config.team_id.clone())?,
        }))
    }

    /// Signs a client secret for `client_id` at `issuer`.
    pub(super) fn sign(&self, client_id: &str, issuer: &str) -> anyhow::Result<SecretString> {
        let now = OffsetDateTime::now_utc();
        let claims = Claims {
            iss: &self.team_id,
            iat: now.unix_timestamp(),
            exp: (now + TTL).unix_timestamp(),
            aud: issuer,
            sub: client_id,
        };
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?.into())
    }
}

/// Reads the name of the form's `user`. It is not signed: good for a nickname and nothing else.
pub(super) fn name(user: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct User {
        name: Option<Name>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Name {
        first_name: Option<String>,
        last_name: Option<String>,
    }
    let User { name } = serde_json::from_str(user).ok()?;
    let Name { first_name, last_name } = name?;
    let parts: Vec<String> = [first_name, last_name].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_far_as_there_is_one() {
        let full = r#"{"name":{"firstName":"Mina","lastName":"Kim"},"email":"x"}"#;
        assert_eq!(name(full).as_deref(), Some("Mina Kim"));
        assert_eq!(name(r#"{"name":{"firstName":"Mina"}}"#).as_deref(), Some("Mina"));
        for text in ["", "{}", "[]", r#"{"name":{}}"#, r#"{"name":"Mina"}"#] {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
