//! The keys of a browser's subscription (RFC 8291 §2).

use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web_push_native::Auth;
use web_push_native::p256::PublicKey;

/// Browsers write base64url without padding; what stood in between may have added some.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The browser's point and the shared secret.
pub(super) type Parsed = (PublicKey, Auth);

/// The keys as `PushSubscription.toJSON()` gives them, and as they are stored.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionKeys {
    /// The browser's public key: base64url of an uncompressed P-256 point, 65 bytes.
    #[schema(max_length = 88)]
    p256dh: String,
    /// The secret it shares: base64url of 16 bytes.
    #[schema(max_length = 24)]
    auth: String,
}

/// A key that is not what it must be: its field, and what was expected there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadKey(pub(super) &'static str, pub(super) &'static str);

impl SubscriptionKeys {
    /// Bytes of an uncompressed point (SEC 1 §2.3.3).
    const POINT_BYTES: usize = 65;

    /// Reads both, and checks that the point lies on the curve.
    pub(super) fn parse(&self) -> Result<Parsed, BadKey> {
        let point = BASE64.decode(&self.p256dh).ok();
        let point = point
            .filter(|bytes| bytes.len() == Self::POINT_BYTES)
            .and_then(|bytes| PublicKey::from_sec1_bytes(&bytes).ok())
            .ok_or(BadKey(
                "keys.p256dh",
                "expected base64url of an uncompressed P-256 point, 65 bytes",
            ))?;
        let secret = BASE64.decode(&self.auth).ok();
        let secret = secret
            .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
            .ok_or(BadKey("keys.auth", "expected base64url of 16 bytes"))?;
        Ok((point, secret.into()))
    }

    /// Parses the output of [`Self::to_json`].
    pub(super) fn from_json(json: &str) -> Option<Parsed> {
        serde_json::from_str::<Self>(json).ok()?.parse().ok()
    }

    /// As it is stored.
    pub(super) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The browser's keys of RFC 8291 §5.
    const POINT: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    fn parse(p256dh: &str, auth: &str) -> Result<Parsed, BadKey> {
        SubscriptionKeys { p256dh: p256dh.to_owned(), auth: auth.to_owned() }.parse()
    }

    #[test]
    fn keys_are_read_with_padding_and_without() {
        let bare = parse(POINT, SECRET).unwrap();
        assert_eq!(parse(&format!("{POINT}="), &format!("{SECRET}==")).unwrap(), bare);
    }

    #[test]
    fn a_point_off_the_curve_a_compressed_one_and_other_lengths_are_refused() {
        let off_the_curve = format!("{}x4", &POINT[..POINT.len() - 2]);
        let compressed = "AiVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx";
        for point in ["", "???", &POINT[..80], &off_the_curve, compressed] {
            assert_eq!(parse(point, SECRET).unwrap_err().0, "keys.p256dh", "{point}");
        }
        for secret in ["", "???", &SECRET[..20], POINT] {
            assert_eq!(parse(POINT, secret).unwrap_err().0, "keys.auth", "{secret}");
        }
    }
}
