//! Signing, as the Standard Webhooks specification has it: HMAC-SHA256 over `id.timestamp.body`.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::digest::InvalidLength;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use time::{Duration, OffsetDateTime};
use toneup_notify::TargetId;
use toneup_notify::targets::Target;
use toneup_platform::identity::UserId;
use toneup_platform::vault::Vault;

const PREFIX: &str = "whsec_";
/// Bytes of a secret; the specification asks for 24 to 64.
const SECRET_BYTES: usize = 32;
/// Time for which the previous secret remains valid after a rotation.
const OVERLAP: Duration = Duration::hours(24);
/// Most secrets that sign at once. None is dropped before its time: one more rotation is refused.
const MOST: usize = 5;

/// The key that the secrets of callbacks are derived from. Cheap to clone.
#[derive(Clone)]
pub(crate) struct CallbackKey(Hmac<Sha256>);

impl fmt::Debug for CallbackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackKey")
    }
}

impl CallbackKey {
    /// Takes a key of the server's.
    pub(crate) fn new(bytes: [u8; SECRET_BYTES]) -> Result<Self, InvalidLength> {
        Hmac::new_from_slice(&bytes).map(Self)
    }
}

/// Decrypts the secrets of a target. Those that were stored before secrets were encrypted are JSON as they are.
pub(super) fn unseal(vault: &Vault, target: TargetId, stored: &str) -> anyhow::Result<String> {
    if stored.starts_with('[') { Ok(stored.to_owned()) } else { vault.open(target.0, stored) }
}

/// The secrets of a webhook, newest first. Kept as JSON, encrypted, in `push_targets.secrets`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Secrets(Vec<Secret>);

#[derive(Clone, Serialize, Deserialize)]
struct Secret {
    /// `whsec_` and base64, as the receiver has it.
    secret: String,
    /// Until when it signs; for ever where it is the newest.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    until: Option<OffsetDateTime>,
}

impl Secrets {
    /// Creates one random secret.
    pub(super) fn generate() -> Self {
        Self(vec![Secret::generate()])
    }

    /// The one of a user's callbacks: derived, and so stored nowhere.
    pub(super) fn of_callbacks(key: &CallbackKey, user: UserId) -> Self {
        let mut mac = key.0.clone();
        mac.update(user.0.as_bytes());
        Self(vec![Secret::of(mac.finalize().into_bytes().into())])
    }

    /// Reads those of a target.
    pub(super) fn open(vault: &Vault, target: &Target) -> anyhow::Result<Self> {
        let stored = target.secrets.as_deref().unwrap_or("[]");
        Ok(serde_json::from_str(&unseal(vault, target.id, stored)?)?)
    }

    /// Encrypts them for the database.
    pub(super) fn seal(&self, vault: &Vault, target: TargetId) -> anyhow::Result<String> {
        vault.seal(target.0, &serde_json::to_string(self)?)
    }

    /// The newest one, for its owner.
    pub(super) fn newest(&self) -> Option<&str> {
        self.0.first().map(|newest| newest.secret.as_str())
    }

    /// Puts a new secret in front; the one before signs for another day. Where too many still sign, changes nothing and
    /// answers how long the oldest does.
    pub(super) fn rotate(&mut self, now: OffsetDateTime) -> Result<(), Duration> {
        self.0.retain(|secret| secret.is_good(now));
        if self.0.len() >= MOST {
            let oldest = self.0.iter().filter_map(|secret| secret.until).min();
            return Err(oldest.map_or(OVERLAP, |until| until - now));
        }
        if let Some(newest) = self.0.first_mut() {
            newest.until = Some(now + OVERLAP);
        }
        self.0.insert(0, Secret::generate());
        Ok(())
    }

    /// The header `webhook-signature`: one signature for each secret that is good.
    pub(super) fn sign(&self, id: &str, now: OffsetDateTime, body: &[u8]) -> String {
        let timestamp = now.unix_timestamp();
        let good = self.0.iter().filter(|secret| secret.is_good(now));
        let signatures = good.filter_map(|secret| secret.sign(id, timestamp, body));
        signatures.collect::<Vec<_>>().join(" ")
    }
}

impl Secret {
    fn generate() -> Self {
        Self::of(rand::random())
    }

    fn of(bytes: [u8; SECRET_BYTES]) -> Self {
        Self { secret: format!("{PREFIX}{}", BASE64_STANDARD.encode(bytes)), until: None }
    }

    fn is_good(&self, now: OffsetDateTime) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        let key = BASE64_STANDARD.decode(self.secret.strip_prefix(PREFIX)?).ok()?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap()
    }

    #[test]
    fn a_signature_is_what_the_specification_says() {
        // The vector that the specification's own libraries are tested with.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned();
        let secrets = Secrets(vec![Secret { secret, until: None }]);
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", br#"{"test": 2432232314}"#);
        let signature = secrets.sign(id, at(1_614_265_330), body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_rotated_secret_signs_for_another_day() {
        let mut secrets = Secrets::generate();
        let first = secrets.newest().unwrap().to_owned();
        secrets.rotate(at(0)).unwrap();
        assert_ne!(secrets.newest().unwrap(), first);
        let signatures = |secrets: &Secrets, now| secrets.sign("id", now, b"").split(' ').count();
        assert_eq!(signatures(&secrets, at(86_399)), 2);
        assert_eq!(signatures(&secrets, at(86_400)), 1);
    }

    #[test]
    fn no_secret_is_dropped_before_its_day_is_over() {
        let mut secrets = Secrets::generate();
        for second in 1..5 {
            secrets.rotate(at(second)).unwrap();
        }
        let signatures = |secrets: &Secrets, now| secrets.sign("id", now, b"").split(' ').count();
        assert_eq!(secrets.rotate(at(5)), Err(OVERLAP - Duration::seconds(4)));
        assert_eq!(signatures(&secrets, at(86_400)), MOST);
        secrets.rotate(at(86_401)).unwrap();
        assert_eq!(signatures(&secrets, at(86_401)), MOST);
    }

    #[test]
    fn secrets_survive_the_database_and_are_long_enough() {
        let mut secrets = Secrets::generate();
        secrets.rotate(at(1_000_000_000)).unwrap();
        let read: Secrets =
            serde_json::from_str(&serde_json::to_string(&secrets).unwrap()).unwrap();
        let now = at(1_000_000_001);
        assert_eq!(read.sign("a", now, b"b"), secrets.sign("a", now, b"b"));
        let key = BASE64_STANDARD.decode(&secrets.newest().unwrap()[PREFIX.len()..]).unwrap();
        assert!((24..=64).contains(&key.len()));
    }
}
