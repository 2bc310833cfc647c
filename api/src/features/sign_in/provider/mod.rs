//! Providers of identities. One that speaks OpenID Connect is a value of [`Oidc`]; another is a file and a line in
//! [`PROTOCOLS`].

mod apple;
mod cache;
mod config;
mod fetch;
mod naver;
mod oidc;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use secrecy::SecretString;
use toneup_platform::config::ConfigError;
use url::Url;

pub(super) use self::config::{ProviderConfig, parse};
use self::fetch::Fetch;

/// The protocols, by the name that a provider's configuration gives.
const PROTOCOLS: [(&str, Build); 2] = [("oidc", oidc::build), ("naver", naver::build)];

/// Builds a provider of its configuration.
type Build = fn(ProviderConfig, Url, Fetch) -> Result<Arc<dyn Provider>, ConfigError>;

/// Future of a provider's response.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send + 'a>>;

/// A way in. Nothing of it is kept but the subject, and what takes the consent back.
pub(super) trait Provider: fmt::Debug + Send + Sync {
    /// The provider's page to which the browser is sent.
    fn authorization_url<'a>(&'a self, attempt: &'a Attempt) -> Answer<'a, Url>;

    /// Exchanges what the provider sent back with the browser for the person's profile.
    fn redeem<'a>(&'a self, callback: &'a Callback, attempt: &'a Attempt) -> Answer<'a, Redeemed>;

    /// Verifies a token that an app got. A `nonce` that is given must be the token's.
    fn verify<'a>(&'a self, token: &'a str, nonce: Option<&'a str>) -> Answer<'a, Profile>;

    /// Takes back the consent that a code was redeemed for (RFC 7009).
    fn revoke<'a>(&'a self, _grant: &'a SecretString) -> Answer<'a, ()> {
        Box::pin(async { Err(Refusal::invalid("this provider takes no consent back")) })
    }

    /// Returns true if the response comes as a form that the provider's page posts cross-site.
    fn posts_back(&self) -> bool {
        false
    }
}

/// The secrets of one attempt to sign in with a browser.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(super) struct Attempt {
    pub(super) state: String,
    pub(super) nonce: String,
    /// The verifier of PKCE (RFC 7636).
    pub(super) verifier: String,
}

/// Parameters that the provider sends back with the browser.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub(super) struct Callback {
    pub(super) code: Option<String>,
    pub(super) state: Option<String>,
    pub(super) error: Option<String>,
    /// The issuer (RFC 9207).
    pub(super) iss: Option<String>,
    /// Apple's JSON about the person, sent the first time only.
    pub(super) user: Option<String>,
}

/// Identity of the person, as asserted by the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Profile {
    /// Unique at the provider, and never given to another.
    pub(super) subject: String,
    /// A name to begin with, if the provider says one.
    pub(super) name: Option<String>,
}

/// What a code was worth.
#[derive(Debug)]
pub(super) struct Redeemed {
    pub(super) profile: Profile,
    /// The token that revokes the person's consent, where the provider is to be asked to.
    pub(super) grant: Option<SecretString>,
}

impl From<Profile> for Redeemed {
    fn from(profile: Profile) -> Self {
        Self { profile, grant: None }
    }
}

/// Longest subject (OpenID Connect Core 1.0 §2), in characters.
const SUBJECT: usize = 255;

impl Profile {
    /// Creates a profile; validates the subject.
    fn new(subject: String, name: Option<String>) -> Result<Self, Refusal> {
        if subject.is_empty() || subject.chars().count() > SUBJECT {
            return Err(Refusal::invalid("a subject of 1 to 255 characters is expected"));
        }
        Ok(Self { subject, name })
    }
}

/// Reason for which a provider's assertion is rejected.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// It is forged, old, made for others, or used up.
    #[error("{0}")]
    Invalid(String),
    /// Tokens of this provider cannot be verified; only its page can be used.
    #[error("this provider needs a browser")]
    NeedsBrowser,
    /// The provider does not answer, or not as it should.
    #[error("the provider is unavailable")]
    Unavailable(#[source] anyhow::Error),
}

impl Refusal {
    fn invalid(detail: impl fmt::Display) -> Self {
        Self::Invalid(detail.to_string())
    }
}

/// Builds a provider. `callback` is where it sends browsers back to.
pub(super) fn build(
    config: ProviderConfig,
    callback: Url,
) -> Result<Arc<dyn Provider>, ConfigError> {
    let protocol = PROTOCOLS.iter().find(|(name, _)| *name == config.protocol);
    let (_, build) = protocol.ok_or_else(|| config.invalid("protocol", "oidc or naver"))?;
    let fetch = Fetch::new().map_err(|_| config.invalid("protocol", "a working HTTP client"))?;
    build(config, callback, fetch)
}
