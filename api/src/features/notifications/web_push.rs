//! Web Push (RFC 8030): an encrypted message (RFC 8291) to the push service of a browser.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use reqwest::Client;
use time::OffsetDateTime;
use toneup_notify::ChannelKind;
use toneup_notify::claim::Delivery;
use toneup_notify::settle::Health;
use toneup_notify::targets::Target;
use url::Url;
use web_push_native::encrypt;

use super::channel::{Channel, SendOutcome};
use super::format::EventFormats;
use super::lanes::{Addresses, Place};
use super::notice::{self, Notice};
use super::subscription_keys::{Parsed, SubscriptionKeys};
use super::vapid::Vapid;
use super::webhooks::guard::{AllowedHosts, Lookup};
use super::webhooks::send::{describe, drain, guarded_client, retry_after};
use crate::http::language::Language;

const TTL: HeaderName = HeaderName::from_static("ttl");
const URGENCY: HeaderName = HeaderName::from_static("urgency");
const TOPIC: HeaderName = HeaderName::from_static("topic");

/// Every message is filled up to this size, so that its length does not tell its content.
const PADDED_BYTES: usize = 256;

/// Requests to the push services of browsers.
#[derive(Debug)]
pub(super) struct WebPush {
    client: Client,
    allowed: AllowedHosts,
    addresses: Addresses,
    vapid: Vapid,
    formats: EventFormats,
}

impl WebPush {
    pub(super) fn new(
        vapid: Vapid,
        allowed: AllowedHosts,
        lookup: Lookup,
        formats: EventFormats,
    ) -> reqwest::Result<Self> {
        let addresses = Addresses::default();
        let client = guarded_client(allowed.clone(), lookup, addresses.clone())?;
        Ok(Self { client, allowed, addresses, vapid, formats })
    }

    async fn post(&self, target: &Target, delivery: &Delivery) -> Result<SendOutcome, SendOutcome> {
        let broken = |error: &str| SendOutcome::GiveUp { status: None, error: error.to_owned() };
        let endpoint: Url = target.address.parse().map_err(|_| broken("not a URL"))?;
        // The client does not ask the resolver about addresses.
        self.allowed.check(&endpoint).map_err(SendOutcome::unanswered)?;
        let keys = SubscriptionKeys::from_json(target.secrets.as_deref().unwrap_or_default());
        let keys = keys.ok_or_else(|| broken("the browser's keys cannot be read"))?;
        let now = OffsetDateTime::now_utc();
        let (notice, time_left) =
            Notice::of(delivery, &self.formats, Language::default(), now).map_err(broken)?;
        let message = Message::new(&self.vapid, &endpoint, &keys, &notice, time_left, now)
            .map_err(|error| broken(&format!("cannot encrypt: {error:#}")))?;
        let request = self.client.post(endpoint).headers(message.headers).body(message.body);
        let response =
            request.send().await.map_err(|error| SendOutcome::unanswered(describe(&error)))?;
        let outcome = judge(response.status(), response.headers());
        drain(response);
        Ok(outcome)
    }
}

impl Channel for WebPush {
    const KIND: ChannelKind = ChannelKind::WebPush;
    const PAUSES: &'static [Duration] = notice::PAUSES;
    const GONE: Health = Health::Gone;

    fn place(&self, target: &Target) -> Place {
        self.addresses.place(&target.address)
    }

    async fn send(&self, target: &Target, delivery: &Delivery) -> SendOutcome {
        self.post(target, delivery).await.unwrap_or_else(|outcome| outcome)
    }
}

/// A request to a push service.
struct Message {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Message {
    fn new(
        vapid: &Vapid,
        endpoint: &Url,
        (point, secret): &Parsed,
        notice: &Notice,
        time_left: Duration,
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        let text = format!("{:PADDED_BYTES$}", serde_json::to_string(notice)?);
        let headers = [
            (header::AUTHORIZATION, vapid.authorization(endpoint, now)?),
            (header::CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
            (TTL, time_left.as_secs().into()),
            // A person waits for it: also on a device that saves its battery.
            (URGENCY, HeaderValue::from_static("high")),
            // A repeat replaces what the push service still holds. 32 characters are the most it takes (RFC 8030 §5.4).
            (TOPIC, HeaderValue::try_from(notice.replaces.simple().to_string())?),
        ];
        let body = encrypt(text.into_bytes(), point, secret)?;
        Ok(Self { headers: headers.into_iter().collect(), body })
    }
}

/// Maps a push service's response to an outcome (RFC 8030 §5 and §7.3).
fn judge(status: StatusCode, headers: &HeaderMap) -> SendOutcome {
    let code = status.as_u16();
    if status.is_success() {
        return SendOutcome::Delivered { status: code };
    }
    let (status_code, error) = (Some(code), format!("answered {code}"));
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            SendOutcome::TargetGone { status: status_code, error }
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            SendOutcome::Retry { status: status_code, error, after: retry_after(headers) }
        }
        status if status.is_server_error() => {
            SendOutcome::Retry { status: status_code, error, after: retry_after(headers) }
        }
        // More than this service takes: it is the message that is wrong.
        StatusCode::PAYLOAD_TOO_LARGE => SendOutcome::GiveUp { status: status_code, error },
        // 400, 401, 403: it was subscribed with another key, or to what is no subscription. It will be so tomorrow.
        _ => SendOutcome::Refused { status: code, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_what_to_do_next() {
        let answer = |code: u16, after: Option<&'static str>| {
            let after = after.map(|text| (header::RETRY_AFTER, HeaderValue::from_static(text)));
            judge(StatusCode::from_u16(code).unwrap(), &after.into_iter().collect())
        };
        for code in [200, 201, 202, 204] {
            assert_eq!(answer(code, None), SendOutcome::Delivered { status: code });
        }
        for code in [404, 410] {
            assert!(matches!(answer(code, None), SendOutcome::TargetGone { .. }), "{code}");
        }
        for code in [408, 429, 500, 502, 503] {
            let SendOutcome::Retry { after, .. } = answer(code, Some("7")) else {
                panic!("{code}")
            };
            assert_eq!(after, Some(Duration::from_secs(7)), "{code}");
        }
        assert!(matches!(answer(413, None), SendOutcome::GiveUp { .. }));
        for code in [301, 400, 401, 403] {
            assert!(matches!(answer(code, None), SendOutcome::Refused { .. }), "{code}");
        }
    }
}
