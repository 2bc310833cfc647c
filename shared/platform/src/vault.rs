//! Secrets as the database keeps them: encrypted and authenticated (AES-256-GCM), so that a copy of the database is not enough
//! to use them. A secret begins with the name of its key, so that keys can be replaced.

use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;
/// Bytes of a key's digest that its name is made of.
const NAME_BYTES: usize = 4;
/// Ends the name of the key.
const NAME_END: char = ':';

/// The keys: the first encrypts, all of them decrypt. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<[Key]>);

struct Key {
    /// The name, with its end.
    name: String,
    cipher: Aes256Gcm,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; KEY_BYTES] = BASE64_STANDARD.decode(text).ok()?.try_into().ok()?;
        let digest = Sha256::digest(bytes);
        let name = format!("{}{NAME_END}", hex::encode(&digest[..NAME_BYTES]));
        Some(Self { name, cipher: Aes256Gcm::new(&bytes.into()) })
    }
}

impl Vault {
    /// Reads the setting: keys of 32 bytes in base64, separated by commas. `None` if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let keys: Option<Vec<Key>> = text.split(',').map(|key| Key::parse(key.trim())).collect();
        keys.map(|keys| Self(keys.into()))
    }

    /// The beginning of everything that the first key encrypted.
    pub fn current_prefix(&self) -> &str {
        self.0.first().map_or("", |key| &key.name)
    }

    /// Encrypts a secret of `owner`, an identifier, as which alone it opens.
    pub fn seal(&self, owner: Uuid, plain: &str) -> anyhow::Result<String> {
        let key = self.0.first().ok_or_else(|| anyhow::anyhow!("no key"))?;
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: plain.as_bytes(), aad: owner.as_bytes() };
        let sealed = key.cipher.encrypt(&nonce.into(), payload);
        let sealed = sealed.map_err(|_| anyhow::anyhow!("cannot encrypt a secret"))?;
        let text = BASE64_URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat());
        Ok(format!("{}{text}", key.name))
    }

    /// Decrypts a secret of `owner`.
    pub fn open(&self, owner: Uuid, stored: &str) -> anyhow::Result<String> {
        self.decrypt(owner, stored)
            .ok_or_else(|| anyhow::anyhow!("no key of DATA_KEYS opens a stored secret"))
    }

    fn decrypt(&self, owner: Uuid, stored: &str) -> Option<String> {
        let (key, text) =
            self.0.iter().find_map(|key| Some((key, stored.strip_prefix(&key.name)?)))?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: owner.as_bytes() };
        String::from_utf8(key.cipher.decrypt(&(*nonce).into(), payload).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        BASE64_STANDARD.encode([byte; KEY_BYTES])
    }

    #[test]
    fn a_secret_opens_as_its_owners_and_with_its_key_alone() {
        let (one, owner) = (Vault::parse(&key(1)).unwrap(), Uuid::now_v7());
        let sealed = one.seal(owner, "[secret]").unwrap();
        assert!(!sealed.contains("secret") && sealed.starts_with(one.current_prefix()));
        assert_eq!(one.open(owner, &sealed).unwrap(), "[secret]");
        assert!(one.open(Uuid::now_v7(), &sealed).is_err(), "another owner");
        assert!(Vault::parse(&key(2)).unwrap().open(owner, &sealed).is_err(), "another key");
        let replaced = Vault::parse(&format!("{}, {}", key(2), key(1))).unwrap();
        assert_eq!(replaced.open(owner, &sealed).unwrap(), "[secret]");
        assert_ne!(replaced.current_prefix(), one.current_prefix());
        for text in ["", "x", &sealed[1..], &sealed[..sealed.len() - 1]] {
            assert!(one.open(owner, text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_have_their_length() {
        let short = BASE64_STANDARD.encode([1; KEY_BYTES - 1]);
        for text in ["", ",", "secret", &short, &format!("{},", key(1))] {
            assert!(Vault::parse(text).is_none(), "{text}");
        }
    }
}
