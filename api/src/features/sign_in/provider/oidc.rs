//! Any provider that speaks OpenID Connect (Core 1.0), found by discovery.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::anyhow;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreIdTokenClaims,
    CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Alg,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthType, AuthorizationCode, ClaimsVerificationError, ClientId,
    ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl,
    JsonWebKeySet, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SignatureVerificationError, TokenResponse,
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use toneup_platform::config::ConfigError;
use url::Url;

use super::apple::{self, ClientSecretKey};
use super::cache::{Cache, Known};
use super::config::ProviderConfig;
use super::fetch::{Fetch, FetchError};
use super::{Answer, Attempt, Callback, Profile, Provider, Redeemed, Refusal};

/// Signatures that count, if the provider uses them. None of them is a secret that both sides know.
const ALGORITHMS: [Alg; 9] = [
    Alg::RsaSsaPkcs1V15Sha256,
    Alg::RsaSsaPkcs1V15Sha384,
    Alg::RsaSsaPkcs1V15Sha512,
    Alg::RsaSsaPssSha256,
    Alg::RsaSsaPssSha384,
    Alg::RsaSsaPssSha512,
    Alg::EcdsaP256Sha256,
    Alg::EcdsaP384Sha384,
    Alg::EdDsa,
];
/// Maximum clock skew: time by which `iat` may lie in the future, in seconds.
const SKEW: i64 = 300;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

#[derive(Debug)]
struct Oidc {
    /// First the client id of the code flow, then those of apps.
    audiences: Vec<String>,
    secret: Option<SecretString>,
    /// Signs the client secret, where there is none that lasts.
    secret_key: Option<ClientSecretKey>,
    scopes: Vec<Scope>,
    form_post: bool,
    /// Where consents are taken back (RFC 7009), if they are to be.
    revoke_url: Option<Url>,
    redirect: RedirectUrl,
    cache: Cache,
    fetch: Fetch,
}

pub(super) fn build(
    config: ProviderConfig,
    callback: Url,
    fetch: Fetch,
) -> Result<Arc<dyn Provider>, ConfigError> {
    let issuer = config.required("issuer", config.issuer.as_ref())?;
    // A URL writes a slash after the host, and an issuer is compared letter by letter.
    let issuer =
        if issuer.path() == "/" { issuer.as_str().trim_end_matches('/') } else { issuer.as_str() };
    let issuer =
        IssuerUrl::new(issuer.to_owned()).map_err(|_| config.invalid("issuer", "a URL"))?;
    let secret_key = ClientSecretKey::read(&config)?;
    Ok(Arc::new(Oidc {
        audiences: [vec![config.client_id], config.audiences].concat(),
        secret: config.client_secret,
        secret_key,
        scopes: config.scopes.into_iter().map(Scope::new).collect(),
        form_post: config.form_post,
        revoke_url: config.revoke_url,
        redirect: RedirectUrl::from_url(callback),
        cache: Cache::new(issuer, fetch.clone()),
        fetch,
    }))
}

/// Expected nonce of the token.
#[derive(Debug, Clone, Copy)]
enum Expected<'a> {
    /// Exactly this nonce.
    Nonce(&'a str),
    /// This one or its SHA-256 in hex, as apps hand it to Apple; anything if the app knows of none.
    Posted(Option<&'a str>),
}

impl Expected<'_> {
    fn check(self, nonce: Option<&Nonce>) -> Result<(), String> {
        let is = |expected: &str| nonce.is_some_and(|nonce| nonce.secret() == expected);
        let good = match self {
            Self::Nonce(expected) => is(expected),
            Self::Posted(None) => true,
            Self::Posted(Some(raw)) => is(raw) || is(&format!("{:x}", Sha256::digest(raw))),
        };
        if good { Ok(()) } else { Err("another nonce".to_owned()) }
    }
}

impl Oidc {
    fn client_id(&self) -> &str {
        self.audiences.first().map_or("", String::as_str)
    }

    fn client(&self, known: &Known) -> Result<Client, Refusal> {
        let secret = self
            .client_secret(known)?
            .map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client_id = ClientId::new(self.client_id().to_owned());
        let client = CoreClient::from_provider_metadata((**known).clone(), client_id, secret);
        let methods = known.token_endpoint_auth_methods_supported();
        let takes = |method| methods.is_none_or(|methods| methods.contains(&method));
        let by_header = takes(CoreClientAuthMethod::ClientSecretBasic);
        let client = client.set_redirect_uri(self.redirect.clone());
        Ok(if by_header { client } else { client.set_auth_type(AuthType::RequestBody) })
    }

    fn client_secret(&self, known: &Known) -> Result<Option<SecretString>, Refusal> {
        let signed = self.secret_key.as_ref().map(|key| key.sign(self.client_id(), known.issuer()));
        let signed = signed.transpose().map_err(Refusal::Unavailable)?;
        Ok(signed.or_else(|| self.secret.clone()))
    }

    /// Verifies a token against the keys that are known, and once more if it names another.
    async fn check(
        &self,
        token: &CoreIdToken,
        access_token: Option<&AccessToken>,
        audiences: &[String],
        expected: Expected<'_>,
    ) -> Result<Profile, Refusal> {
        let known = self.cache.get().await?;
        let mut checked = self.check_with(&known, token, access_token, audiences, expected);
        if is_unknown_key(&checked)
            && let Some(newer) = self.cache.newer(&known).await
        {
            checked = self.check_with(&newer, token, access_token, audiences, expected);
        }
        checked.map_err(Refusal::invalid)?
    }

    fn check_with(
        &self,
        known: &Known,
        token: &CoreIdToken,
        access_token: Option<&AccessToken>,
        audiences: &[String],
        expected: Expected<'_>,
    ) -> Result<Result<Profile, Refusal>, ClaimsVerificationError> {
        let mut failed = ClaimsVerificationError::Other("no audience is configured".to_owned());
        for audience in audiences {
            let verifier = self.verifier(known, audience);
            match token.claims(&verifier, |nonce: Option<&Nonce>| expected.check(nonce)) {
                Ok(claims) => return Ok(self.profile(claims, token, &verifier, access_token)),
                Err(error @ ClaimsVerificationError::InvalidAudience(_)) => failed = error,
                Err(error) => return Err(error),
            }
        }
        Err(failed)
    }

    fn verifier(&self, known: &Known, audience: &str) -> CoreIdTokenVerifier<'_> {
        let offered = known.id_token_signing_alg_values_supported();
        let keys = JsonWebKeySet::new(known.jwks().keys().clone());
        CoreIdTokenVerifier::new_public_client(
            ClientId::new(audience.to_owned()),
            known.issuer().clone(),
            keys,
        )
        .set_allowed_algs(ALGORITHMS.into_iter().filter(|alg| offered.contains(alg)))
        .set_other_audience_verifier_fn(|other| self.audiences.iter().any(|ours| **other == *ours))
        .set_issue_time_verifier_fn(|issued| {
            let ahead = issued.timestamp() - OffsetDateTime::now_utc().unix_timestamp();
            if ahead <= SKEW { Ok(()) } else { Err("issued in the future".to_owned()) }
        })
    }

    /// Performs the checks that the library leaves to its callers: the authorized party and the access token's hash.
    fn profile(
        &self,
        claims: &CoreIdTokenClaims,
        token: &CoreIdToken,
        verifier: &CoreIdTokenVerifier<'_>,
        access_token: Option<&AccessToken>,
    ) -> Result<Profile, Refusal> {
        // OpenID Connect Core 1.0 §3.1.3.7, 4 and 5. Google's azp is the app, and its aud the server.
        match claims.authorized_party() {
            Some(party) if !self.audiences.iter().any(|ours| *ours == **party) => {
                return Err(Refusal::invalid("made for another party"));
            }
            None if claims.audiences().len() > 1 => {
                return Err(Refusal::invalid("several audiences and no authorized party"));
            }
            _ => {}
        }
        if let (Some(hash), Some(access_token)) = (claims.access_token_hash(), access_token) {
            let alg = token.signing_alg().map_err(Refusal::invalid)?;
            let key = token.signing_key(verifier).map_err(Refusal::invalid)?;
            let actual = AccessTokenHash::from_token(access_token, alg, key);
            if actual.map_err(Refusal::invalid)? != *hash {
                return Err(Refusal::invalid("another access token's hash"));
            }
        }
        let text = |name: Option<&str>| name.filter(|name| !name.is_empty()).map(str::to_owned);
        let local = |claim: Option<&str>| text(claim);
        let name = claims
            .name()
            .and_then(|name| local(name.get(None).map(|name| name.as_str())))
            .or_else(|| {
                claims.nickname().and_then(|name| local(name.get(None).map(|n| n.as_str())))
            })
            .or_else(|| text(claims.preferred_username().map(|name| name.as_str())));
        Profile::new(claims.subject().to_string(), name)
    }
}

/// Returns true if a token names a key that is not among the known keys.
fn is_unknown_key<T>(checked: &Result<T, ClaimsVerificationError>) -> bool {
    matches!(
        checked,
        Err(ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey
        ))
    )
}

impl Provider for Oidc {
    fn authorization_url<'a>(&'a self, attempt: &'a Attempt) -> Answer<'a, Url> {
        Box::pin(async {
            let client = self.client(&self.cache.get().await?)?;
            let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
            let (state, nonce) = (attempt.state.clone(), attempt.nonce.clone());
            let mut request = client
                .authorize_url(
                    CoreAuthenticationFlow::AuthorizationCode,
                    move || CsrfToken::new(state),
                    move || Nonce::new(nonce),
                )
                .add_scopes(self.scopes.iter().cloned())
                .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
            if self.form_post {
                request = request.add_extra_param("response_mode", "form_post");
            }
            Ok(request.url().0)
        })
    }

    fn redeem<'a>(&'a self, callback: &'a Callback, attempt: &'a Attempt) -> Answer<'a, Redeemed> {
        Box::pin(async {
            let known = self.cache.get().await?;
            // RFC 9207 §2.4: an answer of another provider than the one that was asked.
            if callback.iss.as_ref().is_some_and(|issuer| issuer != known.issuer().as_str()) {
                return Err(Refusal::invalid("another issuer's answer"));
            }
            let code = callback.code.clone().ok_or_else(|| Refusal::invalid("no code"))?;
            let client = self.client(&known)?;
            let fetch = self.fetch.clone();
            let call = move |request| fetch.clone().call(request);
            let granted = client
                .exchange_code(AuthorizationCode::new(code))
                .map_err(|error| Refusal::Unavailable(error.into()))?
                .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
                .request_async(&call)
                .await
                .map_err(refused)?;
            let token = granted.id_token().ok_or_else(|| Refusal::invalid("no ID token"))?;
            let ours = self.audiences.get(..1).unwrap_or_default();
            let nonce = Expected::Nonce(&attempt.nonce);
            let mut profile = self.check(token, Some(granted.access_token()), ours, nonce).await?;
            if profile.name.is_none() {
                profile.name = callback.user.as_deref().and_then(apple::name);
            }
            let refresh = granted.refresh_token().filter(|_| self.revoke_url.is_some());
            let grant = refresh.map(|token| token.secret().clone().into());
            Ok(Redeemed { profile, grant })
        })
    }

    fn revoke<'a>(&'a self, grant: &'a SecretString) -> Answer<'a, ()> {
        Box::pin(async {
            let url = self.revoke_url.clone();
            let url = url.ok_or_else(|| Refusal::invalid("no revoke_url is configured"))?;
            let secret = self.client_secret(&self.cache.get().await?)?;
            let form = [
                ("client_id", self.client_id()),
                ("client_secret", secret.as_ref().map_or("", |secret| secret.expose_secret())),
                ("token", grant.expose_secret()),
                ("token_type_hint", "refresh_token"),
            ];
            self.fetch.revoke(url, &form).await
        })
    }

    fn verify<'a>(&'a self, token: &'a str, nonce: Option<&'a str>) -> Answer<'a, Profile> {
        Box::pin(async move {
            let token = CoreIdToken::from_str(token).map_err(Refusal::invalid)?;
            self.check(&token, None, &self.audiences, Expected::Posted(nonce)).await
        })
    }

    fn posts_back(&self) -> bool {
        self.form_post
    }
}

/// Tells a code that is not good from a provider that is not there.
fn refused<T>(error: RequestTokenError<FetchError, T>) -> Refusal
where
    T: openidconnect::ErrorResponse + std::fmt::Debug,
{
    match error {
        RequestTokenError::ServerResponse(answer) => Refusal::Invalid(format!("{answer:?}")),
        RequestTokenError::Request(FetchError::Http(error)) => {
            Refusal::Unavailable(error.without_url().into())
        }
        RequestTokenError::Request(error) => Refusal::Unavailable(error.into()),
        RequestTokenError::Parse(error, _) => Refusal::Unavailable(error.into()),
        RequestTokenError::Other(text) => Refusal::Unavailable(anyhow!(text)),
    }
}
