//! Access tokens: signed, short-lived, and verified without a lookup.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use moka::sync::Cache;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use toneup_operate::token::{self, ISSUER, Refusal, Verified};
use toneup_platform::identity::UserId;

use super::keys::{KeySet, Keys};
use super::revoked::Revoked;
use super::settings::AccountsSettings;
use crate::http::identity::{Authenticate, Caller, Ending, SessionId};
use crate::http::problem::ApiError;

/// Says in a token's head what it is (RFC 9068 §2.1), so that no other token of ours or of a provider's passes for one.
const TYPE: &str = "at+jwt";
/// Clocks of two replicas may differ by this, in seconds.
const LEEWAY: Duration = Duration::from_secs(5);
/// Tokens that are known to be valid: those of the people who are here at the moment.
const KNOWN: u64 = 10_000;

const INVALID: ApiError = ApiError::Unauthenticated("the access token is not valid");

/// Issues and checks access tokens (RFC 7519, EdDSA). Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    keys: Arc<Keys>,
    /// Operators' tokens are made elsewhere, with another key.
    operators: DecodingKey,
    ttl: Duration,
    /// What was verified, by the token's digest: a signature takes as long as all else in a small request.
    known: Cache<[u8; 32], (Caller, OffsetDateTime)>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    /// The session that the token was issued in.
    sid: SessionId,
    iss: String,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// Creates the issuer and verifier from the settings.
    pub fn new(settings: &AccountsSettings) -> Self {
        Self {
            keys: Arc::new(settings.keys.clone()),
            operators: DecodingKey::from_secret(
                settings.operator_secret.expose_secret().as_bytes(),
            ),
            ttl: settings.access_token_ttl,
            known: known(settings.access_token_ttl),
        }
    }

    /// Lifetime of an access token.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Returns the public keys as a JWK set (RFC 7517).
    pub(super) fn public(&self) -> KeySet {
        self.keys.public()
    }

    /// Signs an access token for a user, in a session.
    pub fn issue(&self, caller: Caller, now: OffsetDateTime) -> anyhow::Result<String> {
        let claims = Claims {
            sub: caller.user,
            sid: caller.session,
            iss: ISSUER.to_owned(),
            iat: now.unix_timestamp(),
            exp: (now + self.ttl).unix_timestamp(),
        };
        let (kid, key) = self.keys.signing().ok_or_else(|| anyhow::anyhow!("no signing key"))?;
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(kid.to_owned()),
            ..Header::new(Algorithm::EdDSA)
        };
        Ok(jsonwebtoken::encode(&header, &claims, key)?)
    }

    /// Returns the user and the session that an access token names.
    pub fn verify(&self, token: &str) -> Result<Caller, ApiError> {
        self.verify_timed(token).map(|(caller, _)| caller)
    }

    /// The same, and the time at which the token expires.
    pub fn verify_timed(&self, token: &str) -> Result<(Caller, OffsetDateTime), ApiError> {
        let digest = Sha256::digest(token).into();
        if let Some((caller, expires_at)) = self.known.get(&digest) {
            let has_expired = OffsetDateTime::now_utc() >= expires_at + LEEWAY;
            return if has_expired {
                Err(ApiError::TokenExpired)
            } else {
                Ok((caller, expires_at))
            };
        }
        let verified = self.verify_signature(token)?;
        self.known.insert(digest, verified);
        Ok(verified)
    }

    fn verify_signature(&self, token: &str) -> Result<(Caller, OffsetDateTime), ApiError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| INVALID)?;
        if header.typ.as_deref() != Some(TYPE) {
            return Err(INVALID);
        }
        let key = header.kid.and_then(|kid| self.keys.verifying(&kid)).ok_or(INVALID)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.leeway = LEEWAY.as_secs();
        match jsonwebtoken::decode::<Claims>(token, key, &validation) {
            Ok(data) => {
                let Claims { sub, sid, exp, .. } = data.claims;
                let expires_at = OffsetDateTime::from_unix_timestamp(exp).map_err(|_| INVALID)?;
                Ok((Caller { user: sub, session: sid }, expires_at))
            }
            Err(error) if *error.kind() == ErrorKind::ExpiredSignature => {
                Err(ApiError::TokenExpired)
            }
            Err(_) => Err(INVALID),
        }
    }

    fn verify_operator(&self, token: &str) -> Result<Verified, ApiError> {
        match token::verify(&self.operators, token) {
            Ok(operator) => Ok(operator),
            Err(Refusal::Expired) => {
                Err(ApiError::Unauthenticated("the token has expired; make another"))
            }
            // A user's is told that it is the wrong one, not that it is none.
            Err(Refusal::NotAnOperator) => Err(ApiError::Forbidden),
            Err(Refusal::Invalid) if self.verify(token).is_ok() => Err(ApiError::Forbidden),
            Err(Refusal::Invalid) => Err(ApiError::Unauthenticated("the token is not valid")),
        }
    }
}

fn known(ttl: Duration) -> Cache<[u8; 32], (Caller, OffsetDateTime)> {
    Cache::builder().max_capacity(KNOWN).time_to_live(ttl + LEEWAY).build()
}

/// Access tokens whose session was not revoked.
#[derive(Debug, Clone)]
pub(crate) struct LiveTokens {
    pub(super) tokens: Tokens,
    pub(super) revoked: Revoked,
}

impl Authenticate for LiveTokens {
    fn verify_user(&self, token: &str) -> Result<Caller, ApiError> {
        self.verify_timed(token).map(|(caller, _)| caller)
    }

    fn verify_timed(&self, token: &str) -> Result<(Caller, OffsetDateTime), ApiError> {
        let (caller, expires_at) = self.tokens.verify_timed(token)?;
        if self.revoked.contains(caller.session) {
            return Err(ApiError::Unauthenticated("the session was ended; sign in again"));
        }
        Ok((caller, expires_at))
    }

    fn is_revoked(&self, session: SessionId) -> bool {
        self.revoked.contains(session)
    }

    fn verify_operator(&self, token: &str) -> Result<String, ApiError> {
        let operator = self.tokens.verify_operator(token)?;
        if self.revoked.contains_operator(&operator) {
            return Err(ApiError::Unauthenticated("the token was revoked; make another"));
        }
        Ok(operator.name)
    }

    fn until_revoked(&self, session: SessionId) -> Ending {
        Box::pin(self.revoked.clone().until_revoked(session))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    const SECRET: &str = "a secret that only this test knows of";

    fn tokens(seeds: &[u8]) -> Tokens {
        let seeds: Vec<_> = seeds.iter().map(|byte| BASE64_STANDARD.encode([*byte; 32])).collect();
        Tokens {
            keys: Arc::new(Keys::parse(&seeds.join(",")).unwrap()),
            operators: DecodingKey::from_secret(SECRET.as_bytes()),
            ttl: Duration::from_mins(15),
            known: known(Duration::from_mins(15)),
        }
    }

    fn caller() -> Caller {
        Caller { user: UserId(Uuid::now_v7()), session: SessionId(Uuid::now_v7()) }
    }

    #[test]
    fn a_token_names_its_user_and_session_until_it_expires() {
        let (tokens, caller) = (tokens(&[1]), caller());
        let now = OffsetDateTime::now_utc();
        let fresh = tokens.issue(caller, now).unwrap();
        assert_eq!(tokens.verify(&fresh).unwrap(), caller);
        let old = tokens.issue(caller, now - Duration::from_mins(16)).unwrap();
        assert!(matches!(tokens.verify(&old), Err(ApiError::TokenExpired)));
    }

    #[test]
    fn a_token_that_was_valid_is_known_until_it_expires() {
        let (tokens, caller) = (tokens(&[1]), caller());
        let now = OffsetDateTime::now_utc();
        let token = tokens.issue(caller, now).unwrap();
        assert_eq!(tokens.verify(&token).unwrap(), caller);
        let digest = Sha256::digest(&token).into();
        assert_eq!(tokens.known.get(&digest).map(|(known, _)| known), Some(caller));
        tokens.known.insert(digest, (caller, now - Duration::from_secs(6)));
        assert!(matches!(tokens.verify(&token), Err(ApiError::TokenExpired)));
        assert!(tokens.verify(&token[..token.len() - 1]).is_err(), "another token");
    }

    #[test]
    fn a_key_is_replaced_without_a_token_that_fails() {
        let now = OffsetDateTime::now_utc();
        let (old, announced, switched) = (tokens(&[1]), tokens(&[1, 2]), tokens(&[2, 1]));
        for (issuing, verifying) in [
            (&old, &announced),
            (&announced, &old),
            (&announced, &switched),
            (&switched, &announced),
            (&switched, &tokens(&[2])),
        ] {
            assert!(verifying.verify(&issuing.issue(caller(), now).unwrap()).is_ok());
        }
        assert!(tokens(&[2]).verify(&old.issue(caller(), now).unwrap()).is_err(), "withdrawn");
    }

    #[test]
    fn no_other_signature_algorithm_or_type_is_taken() {
        let tokens = tokens(&[1]);
        let now = OffsetDateTime::now_utc();
        let good = tokens.issue(caller(), now).unwrap();
        let (head, rest) = good.split_once('.').unwrap();
        let (claims, signature) = rest.split_once('.').unwrap();
        let head: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
        let with = |change: Value| {
            let mut head = head.clone();
            head.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            BASE64_URL_SAFE_NO_PAD.encode(head.to_string())
        };
        // The public key as the secret of an HMAC.
        let public = serde_json::to_value(tokens.public()).unwrap()["keys"][0]["x"].clone();
        let public = BASE64_URL_SAFE_NO_PAD.decode(public.as_str().unwrap()).unwrap();
        let kid = head["kid"].as_str().unwrap().to_owned();
        let confused =
            Header { typ: Some(TYPE.to_owned()), kid: Some(kid), ..Header::new(Algorithm::HS256) };
        let body: Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let sign = |header: &Header, secret: &[u8]| {
            jsonwebtoken::encode(header, &body, &EncodingKey::from_secret(secret)).unwrap()
        };
        let operator = token::sign(&SECRET.to_owned().into(), "dana", Duration::from_mins(1), now);
        for (what, forged) in [
            ("alg none", format!("{}.{claims}.", with(json!({ "alg": "none" })))),
            ("another kid", format!("{}.{claims}.{signature}", with(json!({ "kid": "x" })))),
            ("another type", format!("{}.{claims}.{signature}", with(json!({ "typ": "JWT" })))),
            ("no signature", format!("{}.{claims}.", with(json!({})))),
            ("key confusion", sign(&confused, &public)),
            ("a former release's", sign(&Header::new(Algorithm::HS256), SECRET.as_bytes())),
            ("an operator's", operator.unwrap()),
            ("an opaque token", BASE64_URL_SAFE_NO_PAD.encode([7; 32])),
            ("nothing", String::new()),
        ] {
            assert!(tokens.verify(&forged).is_err(), "{what}");
        }
        assert!(tokens.verify_operator(&good).is_err_and(|e| matches!(e, ApiError::Forbidden)));
    }
}
