//! The OpenID Connect provider of the tests (npm `oidc-provider`), which signs as many ID tokens as are asked for.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::Client;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::load::target::http;
use crate::site::{process::output, repository};

const START_TIMEOUT: Duration = Duration::from_secs(20);
const AT_ONCE: usize = 16;

/// A running provider.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: String,
    http: Client,
    /// It ends when its input does.
    _process: Child,
}

impl Provider {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let mut process = Command::new("node")
            .args(["oidc.mjs", "http://page.invalid"])
            .current_dir(repository().join("api/tests/browser/doubles"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output("identity-provider")?)
            .kill_on_drop(true)
            .spawn()
            .context("starting the provider; is Node installed?")?;
        let stdout = process.stdout.take().context("no output")?;
        let mut issuer = String::new();
        let said = timeout(START_TIMEOUT, BufReader::new(stdout).read_line(&mut issuer)).await;
        said.context("the provider does not start")??;
        Ok(Self { issuer: issuer.trim().to_owned(), http: http()?, _process: process })
    }

    /// Its table of `SIGN_IN_PROVIDERS`.
    pub(super) fn settings(&self) -> String {
        let issuer = &self.issuer;
        format!(
            "acme = {{ title = 'Acme', client_id = 'web', client_secret = 'x', issuer = '{issuer}' }}"
        )
    }

    /// ID tokens of as many different people, signed with RS256.
    pub(super) async fn tokens(&self, count: usize) -> anyhow::Result<Vec<String>> {
        stream::iter(0..count).map(|n| self.token(n)).buffered(AT_ONCE).try_collect().await
    }

    async fn token(&self, subject: usize) -> anyhow::Result<String> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = json!({ "iss": self.issuer, "aud": "web", "sub": format!("person-{subject}"),
                             "iat": now, "exp": now + 3600 });
        let request = self.http.post(format!("{}/forge", self.issuer));
        let answer = request.json(&json!({ "claims": claims })).send().await?.error_for_status()?;
        let answer: Value = answer.json().await?;
        Ok(answer["token"].as_str().context("no token")?.to_owned())
    }
}
