//! Processes started by a measurement, and ended by their ids.

use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::cpu;

/// Variables that are not inherited, since they would configure what is measured.
const NOT_INHERITED: [&str; 1] = ["WORKER_WINDOW"];

/// A child process; killed on drop.
#[derive(Debug)]
pub struct Process {
    pub(super) child: Child,
    name: String,
}

/// Returns a port that is free now.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Process ids of the servers that the development stack has started on this machine; none if they are containers or
/// elsewhere.
pub(crate) fn servers() -> Vec<Pid> {
    named_servers().into_iter().map(|(_, server)| server).collect()
}

/// The same, with the servers' names.
pub(crate) fn named_servers() -> Vec<(String, Pid)> {
    let files = std::fs::read_dir(super::repository().join(".local/run"));
    let paths = files.into_iter().flatten().flatten().map(|file| file.path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "pid"));
    let server = |path: PathBuf| {
        let name = path.file_stem()?.to_string_lossy().into_owned();
        Some((name, cpu::process_of(&std::fs::read_to_string(path).ok()?)?))
    };
    files.filter_map(server).collect()
}

/// Process id of one of these servers, by its name; `None` if it is a container or elsewhere.
pub(crate) fn server(name: &str) -> Option<Pid> {
    let path = super::repository().join(format!(".local/run/{name}.pid"));
    cpu::process_of(&std::fs::read_to_string(path).ok()?)
}

/// Path of the log of process `name`.
pub fn log(name: &str) -> PathBuf {
    super::repository().join(".local/bench").join(format!("{name}.log"))
}

impl Process {
    /// Starts one of the project's programs; without a path, from the folder of this program.
    pub fn start(
        name: &str,
        program: &str,
        arguments: &[&str],
        variables: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name(program);
        let mut command = Command::new(program);
        command.args(arguments).stdout(output(name)?);
        Self::spawn(name, command, variables)
    }

    /// Starts any command; stderr goes to the log, stdout where `command` says.
    pub fn spawn(
        name: &str,
        mut command: Command,
        variables: &[(String, String)],
    ) -> anyhow::Result<Self> {
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stderr(output(name)?).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("starting {name}: {command:?}"))?;
        Ok(Self { child, name: name.to_owned() })
    }

    /// Process id; fails if the process has ended.
    pub(crate) fn id(&self) -> anyhow::Result<Pid> {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        id.with_context(|| format!("{} has ended", self.name))
    }

    /// Stops the process until [`Self::go_on`] (SIGSTOP).
    pub(crate) fn halt(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.id()?, Signal::STOP)?)
    }

    /// Continues the process (SIGCONT).
    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.id()?, Signal::CONT)?)
    }

    /// Waits until the process has ended by itself.
    pub async fn ended(mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Exit status of the process; `None` while it runs.
    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Terminates the process (SIGTERM) and waits for `grace` at most; returns its exit status, or kills it and returns
    /// `None`.
    pub async fn terminate(mut self, grace: Duration) -> anyhow::Result<Option<ExitStatus>> {
        if let Ok(pid) = self.id() {
            // An error says that it has ended already.
            kill_process(pid, Signal::TERM).ok();
        }
        if let Ok(ended) = timeout(grace, self.child.wait()).await {
            return Ok(Some(ended?));
        }
        self.kill().await;
        Ok(None)
    }

    /// Kills the process (SIGKILL).
    pub async fn kill(mut self) {
        // An error says that it has ended already.
        self.child.kill().await.ok();
    }

    /// Name of the process in the logs.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Opens the log of a process for appending.
pub fn output(name: &str) -> anyhow::Result<File> {
    let path = log(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = File::options().create(true).append(true).open(&path);
    file.with_context(|| format!("opening {}", path.display()))
}
