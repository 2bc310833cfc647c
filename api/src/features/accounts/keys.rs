//! The keys that access tokens are signed with (EdDSA, RFC 8037), and the document by which others verify them.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

/// The beginning of an Ed25519 private key in PKCS #8 (RFC 8410 §7): the seed follows.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A public key of the key set (RFC 7517 §4).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct Jwk {
    /// `OKP`.
    kty: &'static str,
    /// `Ed25519`.
    crv: &'static str,
    /// The public key, base64url.
    x: String,
    /// The key's thumbprint (RFC 7638), which is in the head of the tokens that it signed.
    kid: String,
    /// `EdDSA`.
    alg: &'static str,
    /// `sig`.
    #[serde(rename = "use")]
    used_for: &'static str,
}

/// The public keys that access tokens verify with (RFC 7517 §5).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct KeySet {
    keys: Vec<Jwk>,
}

/// A signing key pair.
#[derive(Clone)]
struct Key {
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: Jwk,
}

/// The keys: the first signs, all of them verify.
#[derive(Clone)]
pub(super) struct Keys(Vec<Key>);

impl Keys {
    /// Reads the setting: seeds of 32 bytes in base64, separated by commas. `None` if it is anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let keys: Option<Vec<Key>> = text.split(',').map(|seed| parse_seed(seed.trim())).collect();
        keys.map(Self)
    }

    /// The identifier of the signing key, and the key.
    pub(super) fn signing(&self) -> Option<(&str, &EncodingKey)> {
        self.0.first().map(|key| (key.public.kid.as_str(), &key.encoding))
    }

    /// The key that a token names.
    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.0.iter().find(|key| key.public.kid == kid).map(|key| &key.decoding)
    }

    /// The public halves of all keys.
    pub(super) fn public(&self) -> KeySet {
        KeySet { keys: self.0.iter().map(|key| key.public.clone()).collect() }
    }
}

fn parse_seed(text: &str) -> Option<Key> {
    let bytes = BASE64_STANDARD
        .decode(text)
        .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(text))
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())?;
    let public = SigningKey::from_bytes(&bytes).verifying_key();
    let x = BASE64_URL_SAFE_NO_PAD.encode(public.as_bytes());
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    Some(Key {
        encoding: EncodingKey::from_ed_der(&[PKCS8.as_slice(), &bytes].concat()),
        decoding: DecodingKey::from_ed_components(&x).ok()?,
        public: Jwk {
            kty: "OKP",
            crv: "Ed25519",
            x,
            kid: BASE64_URL_SAFE_NO_PAD.encode(thumbprint),
            alg: "EdDSA",
            used_for: "sig",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_published_under_its_thumbprint() {
        // RFC 8037, appendix A.
        let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        let keys = Keys::parse(seed).unwrap().public().keys;
        assert_eq!(keys[0].x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(keys[0].kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn only_seeds_of_the_right_length_are_keys() {
        let good = BASE64_STANDARD.encode([1; 32]);
        assert_eq!(Keys::parse(&format!("{good}, {good}")).unwrap().0.len(), 2);
        let short = BASE64_STANDARD.encode([1; 31]);
        for text in ["", ",", "secret", &short, &format!("{good},"), &format!("{good};{good}")] {
            assert!(Keys::parse(text).is_none(), "{text}");
        }
    }
}
