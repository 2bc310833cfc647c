//! Access tokens of operators: short-lived JWTs with a role and a name, signed with `OPERATOR_SECRET`, which signs
//! nothing else.

use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Longest lifetime of a token. One that claims more was not issued by us.
pub const LONGEST: Duration = Duration::from_hours(24);
/// Issuer of the tokens (claim `iss`).
pub const ISSUER: &str = "toneup";

const ROLE: &str = "operator";
/// Most characters of a name.
const NAME: usize = 60;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    #[serde(default)]
    role: Option<String>,
    iat: i64,
    exp: i64,
}

/// The operator that a valid token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Name of the operator.
    pub name: String,
    /// Time at which the token was made.
    pub issued_at: OffsetDateTime,
}

/// Reason why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token was not issued by us.
    #[error("the token is not valid")]
    Invalid,
    /// The token has expired.
    #[error("the token has expired")]
    Expired,
    /// The token belongs to a user who is not an operator.
    #[error("the token is not an operator's")]
    NotAnOperator,
}

/// True if `name` is a valid operator's name: it appears in logs, where no e-mail address may.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=NAME).contains(&name.len()) && name.chars().all(plain)
}

/// Signs a token for `name`, valid for `ttl` from `now`, at most [`LONGEST`].
pub fn sign(
    secret: &SecretString,
    name: &str,
    ttl: Duration,
    now: OffsetDateTime,
) -> Result<String, jsonwebtoken::errors::Error> {
    let claims = Claims {
        sub: name.to_owned(),
        iss: ISSUER.to_owned(),
        role: Some(ROLE.to_owned()),
        iat: now.unix_timestamp(),
        exp: (now + ttl.min(LONGEST)).unix_timestamp(),
    };
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
}

/// Verifies a token and returns its operator.
pub fn verify(key: &DecodingKey, token: &str) -> Result<Verified, Refusal> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "sub"]);
    validation.leeway = 5;
    let claims = match jsonwebtoken::decode::<Claims>(token, key, &validation) {
        Ok(data) => data.claims,
        Err(error) if *error.kind() == ErrorKind::ExpiredSignature => return Err(Refusal::Expired),
        Err(_) => return Err(Refusal::Invalid),
    };
    if claims.role.as_deref() != Some(ROLE) {
        return Err(Refusal::NotAnOperator);
    }
    let life = claims.exp.saturating_sub(claims.iat);
    let longest = i64::try_from(LONGEST.as_secs()).unwrap_or(i64::MAX);
    if !is_name(&claims.sub) || !(0..=longest).contains(&life) {
        return Err(Refusal::Invalid);
    }
    let issued_at =
        OffsetDateTime::from_unix_timestamp(claims.iat).map_err(|_| Refusal::Invalid)?;
    Ok(Verified { name: claims.sub, issued_at })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn secret() -> SecretString {
        "a secret that only this test knows of".to_owned().into()
    }

    fn key(secret: &SecretString) -> DecodingKey {
        DecodingKey::from_secret(secret.expose_secret().as_bytes())
    }

    #[test]
    fn a_token_names_its_operator_until_it_expires() {
        let (secret, now) = (secret(), OffsetDateTime::now_utc());
        let fresh = sign(&secret, "dana", HOUR, now).unwrap();
        let verified = verify(&key(&secret), &fresh).unwrap();
        assert_eq!(
            (verified.name.as_str(), verified.issued_at.unix_timestamp()),
            ("dana", now.unix_timestamp())
        );
        let old = sign(&secret, "dana", HOUR, now - 2 * HOUR).unwrap();
        assert_eq!(verify(&key(&secret), &old), Err(Refusal::Expired));
        let foreign = "another secret, of somebody else's".to_owned().into();
        assert_eq!(verify(&key(&foreign), &fresh), Err(Refusal::Invalid));
    }

    #[test]
    fn no_token_is_good_for_longer_than_a_day() {
        let (secret, now) = (secret(), OffsetDateTime::now_utc());
        let token = sign(&secret, "dana", 1000 * HOUR, now - 25 * HOUR).unwrap();
        assert_eq!(verify(&key(&secret), &token), Err(Refusal::Expired));
        let encoding = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        let claims = Claims {
            sub: "dana".to_owned(),
            iss: ISSUER.to_owned(),
            role: Some(ROLE.to_owned()),
            iat: now.unix_timestamp(),
            exp: (now + 1000 * HOUR).unix_timestamp(),
        };
        let forever = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &encoding);
        assert_eq!(verify(&key(&secret), &forever.unwrap()), Err(Refusal::Invalid));
    }

    #[test]
    fn a_users_token_is_not_an_operators() {
        let (secret, now) = (secret(), OffsetDateTime::now_utc().unix_timestamp());
        let claims = serde_json::json!({ "sub": "x", "iss": ISSUER, "iat": now, "exp": now + 60 });
        let encoding = EncodingKey::from_secret(secret.expose_secret().as_bytes());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &encoding);
        assert_eq!(verify(&key(&secret), &token.unwrap()), Err(Refusal::NotAnOperator));
    }

    #[test]
    fn a_name_is_short_and_plain() {
        assert!(is_name("dana") && is_name("night-shift.2"));
        for name in ["", "a b", "dana@example.com", &"x".repeat(61)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
