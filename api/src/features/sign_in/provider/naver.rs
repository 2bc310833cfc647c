//! Naver: plain OAuth 2.0. Errors come with status 200, numbers as text, and the profile under `response`.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toneup_platform::config::ConfigError;
use url::Url;

use super::config::ProviderConfig;
use super::fetch::{Fetch, read};
use super::{Answer, Attempt, Callback, Profile, Provider, Redeemed, Refusal};

#[derive(Debug)]
struct Naver {
    client_id: String,
    client_secret: SecretString,
    authorize_url: Url,
    token_url: Url,
    profile_url: Url,
    callback: Url,
    fetch: Fetch,
}

/// The answer to a code: a token, or an error.
#[derive(Deserialize)]
struct Grant {
    access_token: Option<SecretString>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct ProfileAnswer {
    /// Result code; `00` is success.
    resultcode: String,
    response: Option<Person>,
}

#[derive(Deserialize)]
struct Person {
    /// Of this person at this application.
    id: String,
    nickname: Option<String>,
    name: Option<String>,
}

pub(super) fn build(
    config: ProviderConfig,
    callback: Url,
    fetch: Fetch,
) -> Result<Arc<dyn Provider>, ConfigError> {
    Ok(Arc::new(Naver {
        client_secret: config.required("client_secret", config.client_secret.clone())?,
        authorize_url: config.required("authorize_url", config.authorize_url.clone())?,
        token_url: config.required("token_url", config.token_url.clone())?,
        profile_url: config.required("profile_url", config.profile_url.clone())?,
        client_id: config.client_id,
        callback,
        fetch,
    }))
}

impl Naver {
    async fn exchange(&self, code: &str, state: &str) -> Result<SecretString, Refusal> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &self.client_id),
            ("client_secret", self.client_secret.expose_secret()),
            ("code", code),
            ("state", state),
        ];
        let grant: Grant =
            self.ask(self.fetch.client().post(self.token_url.clone()).form(&form)).await?;
        match grant {
            Grant { error: Some(error), .. } => Err(Refusal::Invalid(error)),
            Grant { access_token: Some(token), .. } => Ok(token),
            Grant { .. } => Err(Refusal::Unavailable(anyhow!("neither a token nor an error"))),
        }
    }

    async fn profile(&self, token: &SecretString) -> Result<Profile, Refusal> {
        let request = self.fetch.client().get(self.profile_url.clone());
        let answer: ProfileAnswer = self.ask(request.bearer_auth(token.expose_secret())).await?;
        let person = answer.response.filter(|_| answer.resultcode == "00");
        let person = person.ok_or_else(|| Refusal::Invalid(answer.resultcode))?;
        Profile::new(person.id, person.nickname.or(person.name))
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T, Refusal> {
        let answered = async {
            let response = request.send().await.map_err(reqwest::Error::without_url)?;
            let status = response.status();
            let body = read(response).await?;
            // What it refuses with 400 or 401 says so in its body.
            if status.is_server_error() {
                return Err(anyhow!("answered {status}"));
            }
            serde_json::from_slice(&body).context("an answer that is not what it should be")
        };
        answered.await.map_err(Refusal::Unavailable)
    }
}

impl Provider for Naver {
    fn authorization_url<'a>(&'a self, attempt: &'a Attempt) -> Answer<'a, Url> {
        let mut url = self.authorize_url.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", self.callback.as_str())
            .append_pair("state", &attempt.state);
        Box::pin(async { Ok(url) })
    }

    fn redeem<'a>(&'a self, callback: &'a Callback, attempt: &'a Attempt) -> Answer<'a, Redeemed> {
        Box::pin(async {
            let code = callback.code.as_deref().ok_or_else(|| Refusal::invalid("no code"))?;
            let token = self.exchange(code, &attempt.state).await?;
            self.profile(&token).await.map(Redeemed::from)
        })
    }

    /// An access token does not say for which application it was made: one that another application got would open the
    /// account here.
    fn verify<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> Answer<'a, Profile> {
        Box::pin(async { Err(Refusal::NeedsBrowser) })
    }
}
