//! Web Push (RFC 8030): an encrypted message (RFC 8291) to a browser's push service.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use url::Url;
use utoipa::ToSchema;
use web_push_native::p256::PublicKey;
use web_push_native::{Auth, encrypt};

use super::notice::{LIFETIME, Notice};
use super::vapid::Vapid;

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// Every message is filled up to this size, so that its length does not tell its content.
const PADDED_BYTES: usize = 256;

/// Browsers write base64url without padding; what stored it in between may have added some.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys of a browser's subscription, as `PushSubscription.toJSON()` gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionKeys {
    /// The browser's public key: base64url of an uncompressed P-256 point, 65 bytes.
    #[schema(max_length = 88)]
    pub(super) p256dh: String,
    /// The shared secret: base64url of 16 bytes.
    #[schema(max_length = 24)]
    pub(super) auth: String,
}

/// A part of the keys that is not what it must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadKey {
    pub(super) field: &'static str,
    pub(super) expected: &'static str,
}

impl SubscriptionKeys {
    /// Bytes of an uncompressed point (SEC 1 §2.3.3).
    const POINT_BYTES: usize = 65;

    /// Reads both, and checks that the point lies on the curve.
    pub(super) fn parse(&self) -> Result<(PublicKey, Auth), BadKey> {
        let no_point = || BadKey {
            field: "keys.p256dh",
            expected: "expected base64url of an uncompressed P-256 point",
        };
        let no_secret =
            || BadKey { field: "keys.auth", expected: "expected base64url of 16 bytes" };
        let point = BASE64.decode(&self.p256dh).map_err(|_| no_point())?;
        if point.len() != Self::POINT_BYTES {
            return Err(no_point());
        }
        let point = PublicKey::from_sec1_bytes(&point).map_err(|_| no_point())?;
        let secret = BASE64.decode(&self.auth).map_err(|_| no_secret())?;
        let secret = <[u8; 16]>::try_from(secret).map_err(|_| no_secret())?;
        Ok((point, secret.into()))
    }
}

/// The request to a push service, and what of it is secret is marked so.
#[derive(Debug)]
pub(super) struct PushRequest {
    pub(super) headers: [(HeaderName, HeaderValue); 6],
    pub(super) body: Vec<u8>,
}

impl PushRequest {
    /// Encrypts and signs.
    pub(super) fn new(
        vapid: &Vapid,
        endpoint: &Url,
        (point, secret): &(PublicKey, Auth),
        notice: &Notice,
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        let text = format!("{:PADDED_BYTES$}", serde_json::to_string(notice)?);
        let headers = [
            (header::AUTHORIZATION, vapid.authorization(endpoint, now)?),
            (header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (TTL, LIFETIME.as_secs().into()),
            // A person waits for it: also on a device that saves its battery.
            (URGENCY, HeaderValue::from_static("high")),
            // A repeat replaces what the push service still holds; 32 characters are the most it takes (§5.4).
            (TOPIC, HeaderValue::try_from(notice.id.simple().to_string())?),
        ];
        Ok(Self { headers, body: encrypt(text.into_bytes(), point, secret)? })
    }
}

/// What a push service's answer means (RFC 8030 §5 and §7.3, RFC 8291 §4).
pub(super) fn judge(status: StatusCode) -> Judgement {
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Judgement::Gone,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Judgement::Later,
        status if status.is_success() => Judgement::Done,
        status if status.is_server_error() => Judgement::Later,
        // 413: it is too much for this service. 400, 401, 403: it is bound to other keys, and will not change its mind.
        _ => Judgement::Never,
    }
}
