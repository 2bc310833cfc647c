//! A Google service account and its access tokens: a signed assertion is exchanged for a token of about an hour
//! (RFC 7523, and Google's "Using OAuth 2.0 for Server to Server Applications").

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::Mutex;
use tokio::time::Instant;
use toneup_platform::config::ConfigError;
use url::Url;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// Lifetime of an assertion: the maximum that Google accepts.
const ASSERTION_VALIDITY: Duration = Duration::from_hours(1);
/// A token this close to its end is renewed before it is used.
const MARGIN: Duration = Duration::from_mins(5);
/// Longest time for which a token is taken to be good.
const LONGEST: Duration = Duration::from_hours(24);
/// After a refusal nobody asks again for so long: less than until a push that failed for it is tried again.
const PAUSE: Duration = Duration::from_secs(3);
/// Longest wait for a token: less than one push may take, so that a failure is noted.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer that are looked at.
const ANSWER_LIMIT_BYTES: usize = 16 * 1024;

/// The parts of a service account's JSON file that are used.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) project_id: String,
    private_key_id: String,
    private_key: SecretString,
    client_email: String,
    token_uri: Url,
}

/// Gives access tokens, and keeps the one that is good.
pub(super) struct AccessTokens {
    http: reqwest::Client,
    account: ServiceAccount,
    key: EncodingKey,
    kept: Mutex<Kept>,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = &self.account.client_email;
        f.debug_struct("AccessTokens").field("account", account).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Kept {
    token: Option<AccessToken>,
    /// Google refused or was not there; until then nobody asks again.
    failed: Option<(Instant, String)>,
}

/// A token, and until when it serves.
#[derive(Clone)]
pub(super) struct AccessToken {
    pub(super) secret: Arc<SecretString>,
    ends: Instant,
}

#[derive(Serialize)]
struct Assertion<'a> {
    iss: &'a str,
    scope: &'static str,
    aud: &'a Url,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Grant {
    access_token: SecretString,
    expires_in: u64,
}

impl ServiceAccount {
    /// Reads the JSON that Google's console gives.
    pub(super) fn parse(json: &SecretString) -> Result<Self, ConfigError> {
        // The library's words would quote the key.
        serde_json::from_str(json.expose_secret()).map_err(|_| Self::unusable())
    }

    fn unusable() -> ConfigError {
        ConfigError::invalid("FCM_SERVICE_ACCOUNT", "the JSON key file of a service account")
    }
}

impl AccessTokens {
    pub(super) fn new(http: reqwest::Client, account: ServiceAccount) -> Result<Self, ConfigError> {
        let key = EncodingKey::from_rsa_pem(account.private_key.expose_secret().as_bytes())
            .map_err(|_| ServiceAccount::unusable())?;
        Ok(Self { http, account, key, kept: Mutex::default() })
    }

    /// A token that is good for some minutes. `refused` is one that did not serve.
    ///
    /// Who comes while one is being fetched waits for the same answer.
    pub(super) async fn get(&self, refused: Option<&AccessToken>) -> anyhow::Result<AccessToken> {
        let mut kept = self.kept.lock().await;
        let is_refused = |token: &AccessToken| {
            refused.is_some_and(|refused| Arc::ptr_eq(&refused.secret, &token.secret))
        };
        let now = Instant::now();
        let usable = kept.token.clone().filter(|token| token.ends > now && !is_refused(token));
        if let Some(token) = usable.as_ref().filter(|token| token.ends > now + MARGIN) {
            return Ok(token.clone());
        }
        if let Some((_, error)) = kept.failed.as_ref().filter(|(until, _)| *until > now) {
            return usable.with_context(|| error.clone());
        }
        match self.fetch().await {
            Ok(token) => {
                *kept = Kept { token: Some(token.clone()), failed: None };
                Ok(token)
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(%error, "no access token for FCM");
                kept.failed = Some((Instant::now() + PAUSE, error.clone()));
                usable.context(error)
            }
        }
    }

    async fn fetch(&self) -> anyhow::Result<AccessToken> {
        let assertion = self.assertion(OffsetDateTime::now_utc())?;
        let form = [("grant_type", GRANT), ("assertion", &assertion)];
        let begun = Instant::now();
        let request = self.http.post(self.account.token_uri.clone());
        let request = request.timeout(FETCH_TIMEOUT).form(&form);
        let response = request.send().await.context("asking for an access token")?;
        let status = response.status();
        let body = read_bounded(response, ANSWER_LIMIT_BYTES).await?;
        if !status.is_success() {
            anyhow::bail!("the token endpoint answered {status}: {}", error_of(&body));
        }
        let grant: Grant = serde_json::from_slice(&body)
            .map_err(|_| anyhow::anyhow!("the token endpoint's answer holds no token"))?;
        Ok(AccessToken {
            secret: Arc::new(grant.access_token),
            ends: begun + Duration::from_secs(grant.expires_in).min(LONGEST),
        })
    }

    fn assertion(&self, now: OffsetDateTime) -> anyhow::Result<String> {
        let ServiceAccount { client_email, token_uri, private_key_id, .. } = &self.account;
        let header = Header { kid: Some(private_key_id.clone()), ..Header::new(Algorithm::RS256) };
        let claims = Assertion {
            iss: client_email,
            scope: SCOPE,
            aud: token_uri,
            iat: now.unix_timestamp(),
            exp: (now + ASSERTION_VALIDITY).unix_timestamp(),
        };
        jsonwebtoken::encode(&header, &claims, &self.key).context("signing an assertion")
    }
}

/// The code of an OAuth error (RFC 6749 §5.2), e.g. `invalid_grant`.
fn error_of(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = body["error"].as_str().unwrap_or("no reason given");
    code.chars().filter(char::is_ascii).take(64).collect()
}

/// Reads at most `limit` bytes of an answer; what is longer is cut.
pub(super) async fn read_bounded(
    mut response: reqwest::Response,
    limit: usize,
) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == limit {
            break;
        }
    }
    Ok(body)
}
