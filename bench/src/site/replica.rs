//! A process of ours that can be killed, terminated and restarted.

use std::time::Duration;

use anyhow::Context;
use tokio::sync::Mutex;

use super::process::Process;

/// One replica of a program.
#[derive(Debug)]
pub(crate) struct Replica {
    /// Name of the replica and of its log.
    pub(crate) name: String,
    program: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    /// Running process; `None` while it is down on purpose.
    process: Mutex<Option<Process>>,
}

impl Replica {
    pub(crate) fn new(
        name: String,
        program: impl Into<String>,
        arguments: Vec<String>,
        variables: Vec<(String, String)>,
    ) -> Self {
        Self { name, program: program.into(), arguments, variables, process: Mutex::new(None) }
    }

    /// Starts the process, unless it runs.
    pub(crate) async fn start(&self) -> anyhow::Result<()> {
        let mut process = self.process.lock().await;
        if process.is_none() {
            let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
            let started = Process::start(&self.name, &self.program, &arguments, &self.variables)?;
            *process = Some(started);
        }
        Ok(())
    }

    /// Kills the process (SIGKILL).
    pub(crate) async fn kill(&self) {
        if let Some(process) = self.process.lock().await.take() {
            process.kill().await;
        }
    }

    /// Terminates the process (SIGTERM); fails if it has not ended gracefully within `grace`.
    pub(crate) async fn terminate(&self, grace: Duration) -> anyhow::Result<()> {
        let Some(process) = self.process.lock().await.take() else { return Ok(()) };
        let ended = process.terminate(grace).await?;
        let ended = ended.with_context(|| format!("{} did not end in {grace:?}", self.name))?;
        anyhow::ensure!(ended.success(), "{} was asked to end and ended with {ended}", self.name);
        Ok(())
    }

    /// Restarts the process if it has ended by itself; returns how it ended.
    pub(crate) async fn revive(&self) -> anyhow::Result<Option<String>> {
        let mut process = self.process.lock().await;
        let Some(ended) = process.as_mut().map(Process::has_ended).transpose()?.flatten() else {
            return Ok(None);
        };
        process.take();
        drop(process);
        self.start().await?;
        Ok(Some(format!("{} ended by itself with {ended}", self.name)))
    }
}
