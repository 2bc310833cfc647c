//! Firebase Cloud Messaging, HTTP v1: notifications for the mobile app.
//!
//! A request carries one message. The batch endpoint is gone; Google's advice is many requests at once on one HTTP/2
//! connection, and the dispatcher's lanes bound how many.

use std::time::Duration;

use axum::http::StatusCode;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::timeout;
use toneup_notify::ChannelKind;
use toneup_notify::claim::Delivery;
use toneup_notify::settle::Health;
use toneup_notify::targets::Target;
use toneup_platform::config::ConfigError;
use toneup_platform::tls;
use url::Url;

use super::channel::{Channel, SendOutcome};
use super::format::{EventFormats, Words};
use super::google::{AccessToken, AccessTokens, ServiceAccount, read_bounded};
use super::notice::{self, Notice};
use super::webhooks::send::{describe, drain, retry_after};
use crate::http::language::Language;

/// Pause after a 429 response of FCM without `Retry-After`, as Google recommends.
const QUOTA_PAUSE: Duration = Duration::from_mins(1);
/// Most bytes of an answer that are looked at.
const ANSWER_LIMIT_BYTES: usize = 16 * 1024;
/// Maximum time to wait for the body of an error response, which contains its code.
const CODE_TIME: Duration = Duration::from_secs(5);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The project that is sent to, and who sends.
#[derive(Debug, Clone)]
pub struct FcmConfig {
    /// Base URL of FCM.
    pub(super) endpoint: Url,
    /// Service account of the sender.
    pub(super) account: ServiceAccount,
}

/// Data stored with a device's token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Device {
    /// Language of the device's notifications.
    pub(super) language: Language,
}

/// Messages to one Firebase project.
#[derive(Debug)]
pub(super) struct Fcm {
    client: Client,
    /// URL that messages are posted to: `…/v1/projects/{project}/messages:send`.
    send_url: Url,
    tokens: AccessTokens,
    formats: EventFormats,
}

/// Parsed response of FCM.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    /// FCM's own word for what went wrong, where it has one.
    code: Option<String>,
}

impl FcmConfig {
    /// Reads the JSON key file; the endpoint is FCM's but in tests.
    pub fn new(endpoint: Url, account: &SecretString) -> Result<Self, ConfigError> {
        Ok(Self { endpoint, account: ServiceAccount::parse(account)? })
    }
}

impl Fcm {
    pub(super) fn new(config: &FcmConfig, formats: EventFormats) -> anyhow::Result<Self> {
        tls::install();
        let FcmConfig { endpoint, account } = config;
        let mut send_url = endpoint.clone();
        send_url
            .path_segments_mut()
            .map_err(|()| anyhow::anyhow!("FCM_ENDPOINT: expected a URL that can have a path"))?
            .pop_if_empty()
            .extend(["v1", "projects", &account.project_id, "messages:send"]);
        let client = Client::builder().connect_timeout(CONNECT_TIMEOUT).build()?;
        let tokens = AccessTokens::new(client.clone(), account.clone())?;
        Ok(Self { client, send_url, tokens, formats })
    }

    async fn post(&self, target: &Target, delivery: &Delivery) -> Result<Answer, SendOutcome> {
        let now = OffsetDateTime::now_utc();
        let device = target.secrets.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let language = device.map_or(Language::default(), |device: Device| device.language);
        let (notice, time_left) = Notice::of(delivery, &self.formats, language, now)
            .map_err(|error| SendOutcome::GiveUp { status: None, error: error.to_owned() })?;
        let message = message(&target.address, &notice, time_left, now);
        // The log says why; the device's owner cannot mend it.
        let no_token = |_| SendOutcome::unanswered("no access to FCM");
        let token = self.tokens.get(None).await.map_err(no_token)?;
        let answer = self.post_as(&token, &message).await?;
        if !answer.is_token_refused() {
            return Ok(answer);
        }
        // Revoked before its time: another one, once.
        let token = self.tokens.get(Some(&token)).await.map_err(no_token)?;
        self.post_as(&token, &message).await
    }

    async fn post_as(&self, token: &AccessToken, message: &Value) -> Result<Answer, SendOutcome> {
        let request = self.client.post(self.send_url.clone());
        let request = request.bearer_auth(token.secret.expose_secret()).json(message);
        let unanswered = |error: reqwest::Error| SendOutcome::unanswered(describe(&error));
        let response = request.send().await.map_err(unanswered)?;
        let (status, retry_after) = (response.status(), retry_after(response.headers()));
        if status.is_success() {
            drain(response);
            return Ok(Answer { status, retry_after, code: None });
        }
        // A code that does not come in time leaves the status to judge by.
        let body = timeout(CODE_TIME, read_bounded(response, ANSWER_LIMIT_BYTES)).await;
        let code = body.ok().and_then(Result::ok).and_then(|body| error_code(&body));
        Ok(Answer { status, retry_after, code })
    }
}

impl Channel for Fcm {
    const KIND: ChannelKind = ChannelKind::Fcm;
    const PAUSES: &'static [Duration] = notice::PAUSES;
    const GONE: Health = Health::Gone;

    async fn send(&self, target: &Target, delivery: &Delivery) -> SendOutcome {
        self.post(target, delivery).await.map_or_else(|outcome| outcome, judge)
    }
}

impl Answer {
    /// Returns true if our access token was refused; `THIRD_PARTY_AUTH_ERROR` means that Apple refuses the project's
    /// certificate instead.
    fn is_token_refused(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
            && self.code.as_deref() != Some("THIRD_PARTY_AUTH_ERROR")
    }
}

/// Maps FCM's response to an outcome (`ErrorCode` in its reference).
fn judge(answer: Answer) -> SendOutcome {
    let Answer { status, retry_after, code } = answer;
    let number = status.as_u16();
    if status.is_success() {
        return SendOutcome::Delivered { status: number };
    }
    let error = match &code {
        Some(code) => format!("answered {number}: {code}"),
        None => format!("answered {number}"),
    };
    let status_code = Some(number);
    let later = |after| SendOutcome::Retry { status: status_code, error: error.clone(), after };
    match (status, code.as_deref()) {
        (_, Some("UNREGISTERED")) => SendOutcome::TargetGone { status: status_code, error },
        (_, Some("SENDER_ID_MISMATCH" | "INVALID_ARGUMENT")) => {
            SendOutcome::Refused { status: number, error }
        }
        (StatusCode::TOO_MANY_REQUESTS, _) => later(Some(retry_after.unwrap_or(QUOTA_PAUSE))),
        // The project, its rights or its certificate, which an operator can put right; a 404 that does not say
        // UNREGISTERED is no word on the device.
        (
            StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::REQUEST_TIMEOUT,
            _,
        ) => later(retry_after),
        _ if status.is_server_error() => later(retry_after),
        _ => SendOutcome::GiveUp { status: status_code, error },
    }
}

/// One message, as `projects.messages.send` takes it. The id stands where a device compares notifications: one that
/// comes again replaces the first.
fn message(token: &str, notice: &Notice, time_left: Duration, now: OffsetDateTime) -> Value {
    let Words { title, body } = &notice.words;
    let id = notice.replaces.to_string();
    json!({ "message": {
        "token": token,
        "notification": { "title": title, "body": body },
        "data": notice,
        "android": {
            "priority": "HIGH",
            "ttl": format!("{}s", time_left.as_secs()),
            "notification": { "tag": id },
        },
        "apns": {
            "headers": {
                "apns-priority": "10",
                "apns-expiration": (now + time_left).unix_timestamp().to_string(),
                "apns-collapse-id": id,
            },
            "payload": { "aps": { "sound": "default" } },
        },
    } })
}

/// `FcmError.errorCode` of an error as Google's APIs write it.
fn error_code(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let details = body["error"]["details"].as_array()?;
    details.iter().find_map(|detail| detail["errorCode"].as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, code: Option<&str>, after: Option<u64>) -> SendOutcome {
        judge(Answer {
            status: StatusCode::from_u16(status).unwrap(),
            retry_after: after.map(Duration::from_secs),
            code: code.map(str::to_owned),
        })
    }

    #[test]
    fn only_a_device_that_is_unregistered_is_gone() {
        let gone = answer(404, Some("UNREGISTERED"), None);
        assert!(matches!(gone, SendOutcome::TargetGone { status: Some(404), .. }), "{gone:?}");
        // A wrong project, or a proxy's own page.
        assert!(matches!(answer(404, None, None), SendOutcome::Retry { .. }));
    }

    #[test]
    fn what_waiting_cannot_mend_is_given_up() {
        for status in [400, 413] {
            let outcome = answer(status, None, None);
            assert!(matches!(outcome, SendOutcome::GiveUp { .. }), "{outcome:?}");
        }
        for (status, code) in [(400, "INVALID_ARGUMENT"), (403, "SENDER_ID_MISMATCH")] {
            let outcome = answer(status, Some(code), None);
            assert!(matches!(outcome, SendOutcome::Refused { .. }), "{outcome:?}");
        }
    }

    #[test]
    fn a_quota_that_names_no_time_costs_a_minute() {
        for (status, code, asked, after) in [
            (429, Some("QUOTA_EXCEEDED"), None, Some(QUOTA_PAUSE)),
            (429, None, Some(7), Some(Duration::from_secs(7))),
            (503, Some("UNAVAILABLE"), Some(9), Some(Duration::from_secs(9))),
            (500, Some("INTERNAL"), None, None),
            (401, Some("THIRD_PARTY_AUTH_ERROR"), None, None),
            (403, None, None, None),
        ] {
            let outcome = answer(status, code, asked);
            let SendOutcome::Retry { after: found, .. } = outcome else { panic!("{outcome:?}") };
            assert_eq!(found, after, "{status}");
        }
    }

    #[test]
    fn the_code_is_found_in_an_error_of_google_and_nowhere_else() {
        let error = json!({ "error": { "code": 404, "status": "NOT_FOUND", "details": [
            { "@type": "type.googleapis.com/google.rpc.BadRequest" },
            { "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError",
              "errorCode": "UNREGISTERED" },
        ] } });
        assert_eq!(error_code(error.to_string().as_bytes()).unwrap(), "UNREGISTERED");
        for body in ["", "<html>", "{}", r#"{"name":"projects/p/messages/1"}"#] {
            assert_eq!(error_code(body.as_bytes()), None, "{body}");
        }
    }
}
