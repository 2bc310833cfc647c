//! Tokens: signed access tokens, verified without a lookup, and random ones, stored as hashes.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use toneup_operate::token::{self, ISSUER, Refusal};
use toneup_platform::identity::UserId;

use super::settings::AccountsSettings;
use crate::http::identity::Authenticate;
use crate::http::problem::ApiError;

/// Issues and checks access tokens (RFC 7519, HS256). Cheap to clone.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    ttl: Duration,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    iss: String,
    iat: i64,
    exp: i64,
    /// Users have none: an operator's token is for operators' calls alone.
    #[serde(default, skip_serializing)]
    role: Option<String>,
}

impl Tokens {
    /// Prepares the keys.
    pub fn new(settings: &AccountsSettings) -> Self {
        let secret = settings.jwt_secret.expose_secret().as_bytes();
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            ttl: settings.access_token_ttl,
        }
    }

    /// Lifetime of an access token.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Signs an access token for `user`.
    pub fn issue(&self, user: UserId, now: OffsetDateTime) -> anyhow::Result<String> {
        let claims = Claims {
            sub: user,
            iss: ISSUER.to_owned(),
            iat: now.unix_timestamp(),
            exp: (now + self.ttl).unix_timestamp(),
            role: None,
        };
        Ok(jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)?)
    }

    /// Returns the user whom an access token names.
    pub fn verify(&self, token: &str) -> Result<UserId, ApiError> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.leeway = 5;
        match jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation) {
            Ok(data) if data.claims.role.is_none() => Ok(data.claims.sub),
            Ok(_) => Err(ApiError::Unauthenticated("an operator is no user")),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => ApiError::TokenExpired,
                _ => ApiError::Unauthenticated("the access token is not valid"),
            }),
        }
    }
}

impl Authenticate for Tokens {
    fn verify_user(&self, token: &str) -> Result<UserId, ApiError> {
        self.verify(token)
    }

    fn verify_operator(&self, token: &str) -> Result<String, ApiError> {
        token::verify(&self.decoding, token).map_err(|refusal| match refusal {
            Refusal::Invalid => ApiError::Unauthenticated("the token is not valid"),
            Refusal::Expired => ApiError::Unauthenticated("the token has expired; make another"),
            Refusal::NotAnOperator => ApiError::Forbidden,
        })
    }
}

/// An opaque token as the client holds it: 256 random bits.
pub(super) struct OpaqueToken(pub(super) String);

impl OpaqueToken {
    pub(super) fn generate() -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()))
    }

    /// What the database keeps.
    pub(super) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn tokens(secret: &str) -> Tokens {
        Tokens {
            encoding: EncodingKey::from_secret(secret.as_bytes()),
            decoding: DecodingKey::from_secret(secret.as_bytes()),
            ttl: Duration::from_mins(15),
        }
    }

    #[test]
    fn a_token_names_its_user_until_it_expires() {
        let (tokens, user) = (tokens("a"), UserId(Uuid::now_v7()));
        let now = OffsetDateTime::now_utc();
        let fresh = tokens.issue(user, now).unwrap();
        assert_eq!(tokens.verify(&fresh).unwrap(), user);
        let old = tokens.issue(user, now - Duration::from_mins(16)).unwrap();
        assert!(tokens.verify(&old).unwrap_err().to_string().contains("expired"));
    }

    #[test]
    fn a_token_of_another_key_or_without_signature_is_refused() {
        let user = UserId(Uuid::now_v7());
        let foreign = tokens("b").issue(user, OffsetDateTime::now_utc()).unwrap();
        assert!(tokens("a").verify(&foreign).is_err());
        let claims = foreign.split('.').nth(1).unwrap();
        let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        assert!(tokens("b").verify(&format!("{header}.{claims}.")).is_err());
    }
}
