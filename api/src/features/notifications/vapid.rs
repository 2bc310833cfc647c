//! VAPID (RFC 8292): proves to a push service who sends, without an account there.

use std::time::Duration;

use anyhow::Context;
use axum::http::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use time::OffsetDateTime;
use toneup_platform::config::ConfigError;
use url::Url;
use web_push_native::p256::SecretKey;
use web_push_native::p256::elliptic_curve::sec1::ToEncodedPoint;
use web_push_native::p256::pkcs8::EncodePrivateKey;

/// Lifetime of a signature; RFC 8292 §2 allows a day.
const VALIDITY: Duration = Duration::from_hours(12);

/// The key pair that subscriptions are bound to, and whom a push service may turn to.
#[derive(Clone)]
pub struct Vapid {
    key: EncodingKey,
    public: String,
    subject: String,
}

impl std::fmt::Debug for Vapid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vapid").field("public", &self.public).finish_non_exhaustive()
    }
}

#[derive(Debug, Serialize)]
struct Claims<'a> {
    aud: String,
    exp: i64,
    sub: &'a str,
}

impl Vapid {
    /// Reads the private key (base64url of its 32 bytes) and the contact (`mailto:` or `https:`).
    pub fn new(private: &SecretString, subject: &str) -> Result<Self, ConfigError> {
        let no_key =
            || ConfigError::invalid("VAPID_PRIVATE_KEY", "a P-256 key as `toneup vapid` prints it");
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(private.expose_secret()).map_err(|_| no_key())?;
        // A shorter one would be filled up with zeros.
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| no_key())?;
        let secret = SecretKey::from_slice(&bytes).map_err(|_| no_key())?;
        let der = secret.to_pkcs8_der().map_err(|_| no_key())?;
        if !["mailto:", "https:"].iter().any(|scheme| subject.starts_with(scheme)) {
            return Err(ConfigError::invalid("VAPID_SUBJECT", "a mailto: or https: address"));
        }
        let public = secret.public_key().to_encoded_point(false);
        Ok(Self {
            key: EncodingKey::from_ec_der(der.as_bytes()),
            public: BASE64_URL_SAFE_NO_PAD.encode(public.as_bytes()),
            subject: subject.to_owned(),
        })
    }

    /// Returns the application server key for browsers: base64url of the uncompressed public key.
    pub fn public_key(&self) -> &str {
        &self.public
    }

    /// The `Authorization` of a push to `endpoint`.
    pub(super) fn authorization(
        &self,
        endpoint: &Url,
        now: OffsetDateTime,
    ) -> anyhow::Result<HeaderValue> {
        let claims = Claims {
            aud: endpoint.origin().ascii_serialization(),
            exp: (now + VALIDITY).unix_timestamp(),
            sub: &self.subject,
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.key)
            .context("signing for a push service")?;
        let mut value = HeaderValue::try_from(format!("vapid t={token}, k={}", self.public))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    /// The key pair of RFC 8291 §5 (the application server's).
    const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    const PUBLIC: &str =
        "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

    fn vapid() -> Vapid {
        Vapid::new(&PRIVATE.into(), "mailto:push@toneup.example").unwrap()
    }

    #[test]
    fn the_public_key_follows_from_the_private_one() {
        assert_eq!(vapid().public_key(), PUBLIC);
    }

    #[test]
    fn the_signature_names_the_origin_with_its_port_and_ends_within_a_day() {
        let now = OffsetDateTime::now_utc();
        let endpoint = "https://push.example:8443/send/abc?x=1".parse().unwrap();
        let header = vapid().authorization(&endpoint, now).unwrap();
        assert!(header.is_sensitive());
        let token = header.to_str().unwrap().strip_prefix("vapid t=").unwrap();
        let (token, key) = token.split_once(", k=").unwrap();
        assert_eq!(key, PUBLIC);

        let point = BASE64_URL_SAFE_NO_PAD.decode(key).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["https://push.example:8443"]);
        let claims =
            jsonwebtoken::decode::<Value>(token, &DecodingKey::from_ec_der(&point), &validation);
        let claims = claims.unwrap().claims;
        assert_eq!(claims["sub"], "mailto:push@toneup.example");
        let left = claims["exp"].as_i64().unwrap() - now.unix_timestamp();
        assert!((1..=24 * 3600).contains(&left), "{left}");
    }

    #[test]
    fn bad_settings_are_named() {
        let refusal = |private: &str, subject: &str| {
            Vapid::new(&private.into(), subject).unwrap_err().to_string()
        };
        for private in ["", "short", &"A".repeat(43), &PRIVATE[..40]] {
            assert!(refusal(private, "mailto:a@b.example").starts_with("VAPID_PRIVATE_KEY: "));
        }
        assert!(refusal(PRIVATE, "push@toneup.example").starts_with("VAPID_SUBJECT: "));
    }
}
