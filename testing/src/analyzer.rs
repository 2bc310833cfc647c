//! The real analyzer, started as a process for one test.

use std::process::Stdio;

use tokio::process::{Child, Command};

/// An analyzer that serves on a free port; killed on drop.
#[derive(Debug)]
pub struct RunningAnalyzer {
    /// Base URL of the analyzer.
    pub url: String,
    _process: Child,
}

impl RunningAnalyzer {
    /// Starts an analyzer with one slot and waits until it is ready.
    pub async fn start() -> Self {
        let root = crate::support::repository();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let process = Command::new(root.join(".local/venv/bin/python"))
            .args(["-m", "app"])
            .current_dir(root.join("analyzer"))
            .env("ANALYZER_LISTEN", &address)
            .env("ANALYZER_SLOTS", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the analyzer starts; `make test` sets it up");
        let url = format!("http://{address}");
        let client = crate::support::http();
        crate::support::eventually("the analyzer is ready", async || {
            let ready = client.get(format!("{url}/readyz")).send().await.ok()?;
            ready.status().is_success().then_some(())
        })
        .await;
        Self { url, _process: process }
    }
}
