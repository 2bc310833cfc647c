//! Firebase Cloud Messaging, HTTP v1: notifications for the mobile app.
//!
//! A request carries one message: the batch endpoint is gone, and Google's advice is many requests on one HTTP/2
//! connection.

use std::time::Duration;

use anyhow::Context;
use axum::http::{StatusCode, header};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use url::Url;

use super::google::{AccessTokens, ServiceAccount, read_bounded};
use super::notice::{LIFETIME, Language, Notice, Words};

/// How long to leave FCM alone after a 429 that names no time, by Google's advice.
const QUOTA_PAUSE: Duration = Duration::from_mins(1);
/// Most bytes of an answer that are looked at.
const ANSWER_LIMIT_BYTES: usize = 16 * 1024;

/// Sends to one Firebase project.
#[derive(Debug)]
pub(super) struct Fcm {
    http: reqwest::Client,
    /// `…/v1/projects/{project}/messages:send`.
    send_url: Url,
    tokens: AccessTokens,
}

/// FCM's answer, read.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    /// FCM's own word for what went wrong, where it has one.
    code: Option<String>,
}

impl Fcm {
    pub(super) fn new(
        http: reqwest::Client,
        endpoint: &Url,
        account: ServiceAccount,
    ) -> anyhow::Result<Self> {
        let mut send_url = endpoint.clone();
        send_url
            .path_segments_mut()
            .map_err(|()| anyhow::anyhow!("FCM_ENDPOINT cannot have a path"))?
            .pop_if_empty()
            .extend(["v1", "projects", &account.project_id, "messages:send"]);
        Ok(Self { tokens: AccessTokens::new(http.clone(), account)?, http, send_url })
    }

    /// Sends one message. An access token that is refused is replaced once.
    async fn post(&self, message: &Value) -> anyhow::Result<Answer> {
        let mut token = self.tokens.get(None).await?;
        let answer = self.post_with(token.secret.expose_secret(), message).await?;
        if !answer.is_token_refused() {
            return Ok(answer);
        }
        token = self.tokens.get(Some(&token)).await?;
        self.post_with(token.secret.expose_secret(), message).await
    }

    async fn post_with(&self, token: &str, message: &Value) -> anyhow::Result<Answer> {
        let request = self.http.post(self.send_url.clone()).bearer_auth(token).json(message);
        let response = request.send().await.context("sending to FCM")?;
        let status = response.status();
        let retry_after = None;
        let code = if status.is_success() {
            None
        } else {
            error_code(&read_bounded(response, ANSWER_LIMIT_BYTES).await?)
        };
        Ok(Answer { status, retry_after, code })
    }
}

impl Answer {
    /// Whether it is our access token that FCM refuses, and not Apple who refuses Firebase's certificate.
    fn is_token_refused(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
            && self.code.as_deref() != Some("THIRD_PARTY_AUTH_ERROR")
    }
}
