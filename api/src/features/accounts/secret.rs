//! The server's secret, from which a key for each purpose is derived.

use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Derives values that only this installation can derive: HMAC-SHA-256 under `JWT_SECRET` (RFC 2104). Cheap to clone.
#[derive(Clone)]
pub(crate) struct ServerSecret(Hmac<Sha256>);

impl std::fmt::Debug for ServerSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerSecret")
    }
}

impl ServerSecret {
    /// Creates the HMAC key from the secret.
    pub(super) fn new(secret: &SecretString) -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(secret.expose_secret().as_bytes()).map(Self)
    }

    /// Makes a secret of a text.
    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        Self::new(&text.to_owned().into()).unwrap()
    }

    /// Returns the value of `input` for one purpose; values of different purposes say nothing about each other.
    pub(crate) fn derive(&self, purpose: &'static str, input: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(input);
        mac.finalize().into_bytes().into()
    }
}
