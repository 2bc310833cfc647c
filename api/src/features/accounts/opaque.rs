//! Opaque tokens: random values that the database knows by their hash alone.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::secret::ServerSecret;

/// An opaque token as the client holds it: 256 bits that nobody can guess.
#[derive(Clone)]
pub(crate) struct OpaqueToken(pub(crate) String);

impl OpaqueToken {
    /// Makes a random token.
    pub(crate) fn generate() -> Self {
        Self::of(rand::random())
    }

    /// The refresh token that follows this one. Derived, so that every repetition of a refresh, at whichever replica, gives
    /// the same answer although no token is stored.
    pub(super) fn successor(&self, secret: &ServerSecret) -> Self {
        Self::of(secret.derive("successor of a refresh token", self.0.as_bytes()))
    }

    /// The first refresh token of the session that a credential of a provider starts, for the same reason.
    pub(super) fn first_of(secret: &ServerSecret, credential: &str) -> Self {
        Self::of(secret.derive("refresh token for a credential", credential.as_bytes()))
    }

    fn of(bytes: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the SHA-256 hash under which the database stores the token.
    pub(super) fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0.as_bytes()).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_the_same_each_time_and_known_to_this_server_alone() {
        let secret = ServerSecret::of;
        let token = OpaqueToken::generate();
        let next = token.successor(&secret("one")).0;
        assert_eq!(next, token.successor(&secret("one")).0);
        assert_ne!(next, token.successor(&secret("two")).0);
        assert_ne!(next, OpaqueToken::generate().successor(&secret("one")).0);
        assert_ne!(next, OpaqueToken::first_of(&secret("one"), &token.0).0);
        assert_eq!(next.len(), token.0.len());
    }
}
