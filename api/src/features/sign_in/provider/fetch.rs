//! Requests to providers: bounded in time and size, and never redirected.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use openidconnect::{HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use url::Url;

use super::Refusal;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest wait for a whole answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer, in bytes.
const LIMIT_BYTES: usize = 256 * 1024;

/// Error of a request to a provider.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// It cannot be reached, or is too slow.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// Its answer is too large.
    #[error("an answer of more than {LIMIT_BYTES} bytes")]
    TooLarge,
    /// Its answer cannot be represented.
    #[error(transparent)]
    Malformed(#[from] axum::http::Error),
}

/// Sends requests to providers. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Fetch(Arc<reqwest::Client>);

impl Fetch {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("toneup/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT)
            // A token must not follow a redirect to elsewhere.
            .redirect(Policy::none())
            .build()?;
        Ok(Self(Arc::new(client)))
    }

    pub(super) fn client(&self) -> &reqwest::Client {
        &self.0
    }

    /// Sends a request of the OpenID Connect library.
    pub(super) async fn call(self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let response = self.0.execute(request.try_into()?).await?;
        let mut answer = axum::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        Ok(answer.body(read(response).await?)?)
    }
}

impl Fetch {
    /// Revokes a token (RFC 7009 §2).
    pub(super) async fn revoke(&self, url: Url, form: &[(&str, &str)]) -> Result<(), Refusal> {
        let asked = self.0.post(url).form(form).send().await;
        let response = asked.map_err(|error| Refusal::Unavailable(error.without_url().into()))?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status if status.is_client_error() => Err(Refusal::invalid(status)),
            status => Err(Refusal::Unavailable(anyhow!("answered {status}"))),
        }
    }
}

/// Reads a body, up to the limit.
pub(super) async fn read(mut response: reqwest::Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > LIMIT_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
