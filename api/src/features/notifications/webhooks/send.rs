//! Sending one delivery to one webhook.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::timeout;
use toneup_notify::ChannelKind;
use toneup_notify::claim::Delivery;
use toneup_notify::settle::Health;
use toneup_notify::targets::Target;
use toneup_platform::tls;
use toneup_platform::vault::Vault;
use url::Url;

use super::guard::{AllowedHosts, GuardedResolver, Lookup, Refusal, system_lookup};
use super::sign::{CallbackKey, Secrets};
use crate::features::notifications::channel::{Channel, SendOutcome};
use crate::features::notifications::format::EventFormats;
use crate::features::notifications::lanes::{Addresses, Place};
use crate::features::notifications::settings::NotificationsSettings;

/// The receiver answered 410.
pub(super) const GONE: &str = "gone";
/// Maximum size of a response body that is drained, so that its connection can be reused. The content is ignored.
const ANSWER_LIMIT_BYTES: usize = 16 * 1024;
/// Maximum time for draining a response body; the connection is closed otherwise.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Requests to servers of the users'.
#[derive(Debug)]
pub(crate) struct Webhooks {
    client: Client,
    allowed: AllowedHosts,
    addresses: Addresses,
    formats: EventFormats,
    vault: Vault,
    callbacks: CallbackKey,
}

/// Requests to the URLs that came with single submits.
#[derive(Debug)]
pub(crate) struct Callbacks(pub(crate) Arc<Webhooks>);

/// JSON body of a request.
#[derive(Debug, Serialize)]
struct Payload<'a> {
    r#type: &'a str,
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    data: Value,
}

impl Webhooks {
    pub(crate) fn new(
        settings: &NotificationsSettings,
        formats: EventFormats,
        callbacks: CallbackKey,
    ) -> reqwest::Result<Self> {
        let (allowed, vault) = (settings.webhook_allowed.clone(), settings.vault.clone());
        Self::with_lookup(allowed, system_lookup(), formats, (vault, callbacks))
    }

    fn with_lookup(
        allowed: AllowedHosts,
        lookup: Lookup,
        formats: EventFormats,
        (vault, callbacks): (Vault, CallbackKey),
    ) -> reqwest::Result<Self> {
        let addresses = Addresses::default();
        let client = guarded_client(allowed.clone(), lookup, addresses.clone())?;
        Ok(Self { client, allowed, addresses, formats, vault, callbacks })
    }

    async fn post(&self, target: &Target, delivery: &Delivery) -> Result<Response, SendOutcome> {
        let broken = |error: String| SendOutcome::GiveUp { status: None, error };
        let url: Url = target.address.parse().map_err(|_| broken("not a URL".to_owned()))?;
        // The client does not ask the resolver about addresses.
        self.allowed.check(&url).map_err(SendOutcome::unanswered)?;
        let secrets = self.secrets(target)?;
        let body = payload(delivery, &self.formats).map_err(|error| broken(error.to_owned()))?;
        let (id, now) = (delivery.id.0.to_string(), OffsetDateTime::now_utc());
        let signature = secrets.sign(&id, now, &body);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.unix_timestamp())
            .header("webhook-signature", signature)
            .body(body);
        request.send().await.map_err(|error| SendOutcome::unanswered(describe(&error)))
    }
}

impl Webhooks {
    /// The secrets that sign for a target. A key that is missing is a mistake of ours, and may be mended.
    fn secrets(&self, target: &Target) -> Result<Secrets, SendOutcome> {
        if target.secrets.is_none() {
            return Ok(Secrets::of_callbacks(&self.callbacks, target.user));
        }
        Secrets::open(&self.vault, target).map_err(|error| {
            tracing::error!(%error, target.id = %target.id.0, "cannot sign for a webhook");
            SendOutcome::unanswered("an internal error")
        })
    }
}

impl Channel for Webhooks {
    const KIND: ChannelKind = ChannelKind::Webhook;
    const GONE: Health = Health::Disabled(GONE);

    fn place(&self, target: &Target) -> Place {
        self.addresses.place(&target.address)
    }

    async fn send(&self, target: &Target, delivery: &Delivery) -> SendOutcome {
        match self.post(target, delivery).await {
            Ok(response) => {
                let outcome = interpret(response.status(), response.headers());
                drain(response);
                outcome
            }
            Err(outcome) => outcome,
        }
    }
}

impl Channel for Callbacks {
    const KIND: ChannelKind = ChannelKind::Callback;
    const GONE: Health = Health::Gone;

    fn place(&self, target: &Target) -> Place {
        self.0.place(target)
    }

    async fn send(&self, target: &Target, delivery: &Delivery) -> SendOutcome {
        self.0.send(target, delivery).await
    }
}

/// A client that connects to addresses that are allowed, and to no others.
pub(in crate::features::notifications) fn guarded_client(
    allowed: AllowedHosts,
    lookup: Lookup,
    addresses: Addresses,
) -> reqwest::Result<Client> {
    tls::install();
    Client::builder()
        .user_agent(concat!("ToneUp-Push/", env!("CARGO_PKG_VERSION")))
        // A proxy would connect where it likes, and so would a redirect.
        .no_proxy()
        .redirect(Policy::none())
        .dns_resolver(Arc::new(GuardedResolver { allowed, lookup, addresses }))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(4)
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
}

/// The body; or the reason why there is none.
fn payload(delivery: &Delivery, formats: &EventFormats) -> Result<Vec<u8>, &'static str> {
    let data = formats.of(&delivery.event)?.webhook_data(delivery)?;
    let payload = Payload { r#type: &delivery.event, timestamp: delivery.created_at, data };
    serde_json::to_vec(&payload).map_err(|_| "the event cannot be written as JSON")
}

/// Maps a response to an outcome.
fn interpret(status: StatusCode, headers: &HeaderMap) -> SendOutcome {
    let code = status.as_u16();
    if status.is_success() {
        return SendOutcome::Delivered { status: code };
    }
    let status_code = Some(code);
    if status == StatusCode::GONE {
        let error = "answered 410: it wants no more".to_owned();
        return SendOutcome::TargetGone { status: status_code, error };
    }
    let error = if status.is_redirection() {
        format!("answered {code}: redirects are not followed")
    } else {
        format!("answered {code}")
    };
    SendOutcome::Retry { status: status_code, error, after: retry_after(headers) }
}

/// `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3).
pub(in crate::features::notifications) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(SystemTime::now()).ok()
}

/// Reads what an answer says after its head, beside what is told next: the status line has decided already, however
/// slowly the rest comes.
#[expect(clippy::disallowed_methods, reason = "ends within two seconds, and nothing waits for it")]
pub(in crate::features::notifications) fn drain(mut response: Response) {
    tokio::spawn(timeout(DRAIN_TIME, async move {
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            read += chunk.len();
            if read > ANSWER_LIMIT_BYTES {
                return;
            }
        }
    }));
}

/// Describes a failure to the webhook's owner: the innermost cause, which names no address of ours.
pub(in crate::features::notifications) fn describe(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
        if cause.is::<Refusal>() {
            break;
        }
    }
    if error.is_timeout() {
        return "cannot connect in time".to_owned();
    }
    let doing = if error.is_connect() { "cannot connect" } else { "no whole answer" };
    format!("{doing}: {cause}")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::{IpAddr, SocketAddr};
    use std::sync::Mutex;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

    use super::*;

    /// A name server whose answers change; the last of them stays.
    fn answering(answers: &[&[&str]]) -> (Lookup, Arc<Mutex<Vec<Vec<SocketAddr>>>>) {
        let parse = |text: &&str| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 0);
        let left: Vec<Vec<SocketAddr>> =
            answers.iter().rev().map(|answer| answer.iter().map(parse).collect()).collect();
        let left = Arc::new(Mutex::new(left));
        let asked = Arc::clone(&left);
        let lookup: Lookup = Arc::new(move |_| {
            let answer = asked.lock().unwrap().pop();
            Box::pin(async { answer.ok_or_else(|| io::Error::other("asked once too often")) })
        });
        (lookup, left)
    }

    async fn post(lookup: Lookup, port: u16) -> Result<StatusCode, String> {
        let vault = Vault::parse(&BASE64_STANDARD.encode([1; 32])).unwrap();
        let key = CallbackKey::new([1; 32]).unwrap();
        let (allowed, formats) = ("127.0.0.1".parse().unwrap(), EventFormats::new(vec![]));
        let webhooks = Webhooks::with_lookup(allowed, lookup, formats, (vault, key)).unwrap();
        let request = webhooks.client.post(format!("http://hooks.example:{port}/"));
        request.send().await.map(|answer| answer.status()).map_err(|error| describe(&error))
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_and_only_a_checked_address_is_connected_to() {
        let server = MockServer::start().await;
        let to_name =
            matchers::header("host", format!("hooks.example:{}", server.address().port()));
        let there = Mock::given(to_name).respond_with(ResponseTemplate::new(204));
        there.expect(1).mount(&server).await;
        let port = server.address().port();
        let refused = Err("cannot connect: the host has no public address".to_owned());

        // It led to where it may when it was checked, and leads elsewhere from then on.
        let (lookup, left) = answering(&[&["127.0.0.1"], &["10.0.0.1"]]);
        assert_eq!(post(Arc::clone(&lookup), port).await, Ok(StatusCode::NO_CONTENT));
        assert_eq!(left.lock().unwrap().len(), 1, "asked once for one connection");
        assert_eq!(post(lookup, port).await, refused);

        let one_of_two = answering(&[&["127.0.0.1", "169.254.169.254"]]).0;
        assert_eq!(post(one_of_two, port).await, refused);
        assert_eq!(post(answering(&[&["::ffff:127.0.0.1"]]).0, port).await, refused);
    }

    #[test]
    fn an_answer_says_what_follows() {
        let answer = |code| interpret(StatusCode::from_u16(code).unwrap(), &HeaderMap::new());
        for code in [200, 201, 202, 204, 299] {
            assert_eq!(answer(code), SendOutcome::Delivered { status: code });
        }
        assert!(matches!(answer(410), SendOutcome::TargetGone { status: Some(410), .. }));
        for code in [301, 304, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(answer(code), SendOutcome::Retry { after: None, .. }), "{code}");
        }
    }

    #[test]
    fn when_to_come_back_is_a_number_or_a_date() {
        let read = |text: &str| {
            let header = (RETRY_AFTER, text.parse().unwrap());
            retry_after(&HeaderMap::from_iter([header]))
        };
        assert_eq!(read("90"), Some(Duration::from_secs(90)));
        let in_an_hour = SystemTime::now() + Duration::from_hours(1);
        let read_date = read(&httpdate::fmt_http_date(in_an_hour)).unwrap();
        assert!(read_date > Duration::from_mins(50), "{read_date:?}");
        for text in ["soon", "-5", "Mon, 01 Jan 2001 00:00:00 GMT"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
