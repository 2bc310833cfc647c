//! Servers of others, as processes of the test's own.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use toneup_testing::{eventually, repository};

/// A server of `tests/browser/doubles`.
pub(crate) struct Double {
    pub(crate) url: String,
    http: reqwest::Client,
    _process: Child,
}

impl Double {
    pub(crate) async fn start(script: &str, arguments: &[&str]) -> Self {
        let mut process = Command::new("node")
            .arg(script)
            .args(arguments)
            .current_dir(repository().join("api/tests/browser/doubles"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut says = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = says.next_line().await.unwrap().unwrap();
        toneup_platform::tls::install();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20));
        Self { url, http: http.build().unwrap(), _process: process }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.http.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}{path}", self.url)).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Messages to a recipient with what they were answered, when there are `count`.
    pub(crate) async fn attempts(&self, recipient: &str, count: usize) -> Vec<Value> {
        eventually("pushes", async || {
            let attempts = self.get(&format!("/attempts/{recipient}")).await;
            let attempts = attempts.as_array().unwrap_or_else(|| panic!("{attempts}")).clone();
            (attempts.len() >= count).then_some(attempts)
        })
        .await
    }
}
