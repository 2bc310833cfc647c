//! Processes that a measurement starts, and ends by their ids.

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

/// Settings that would take from ToneUp what the measurement is about. The file of settings gives the window a value.
const NOT_INHERITED: [&str; 1] = ["WORKER_WINDOW"];

/// A process of ours; killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    pub(super) child: Child,
    name: String,
}

/// A port that nobody uses now.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The servers on this machine that the development stack has started; none where they are containers, or elsewhere.
pub(crate) fn servers() -> Vec<Pid> {
    let files = std::fs::read_dir(super::repository().join(".local/run"));
    let paths = files.into_iter().flatten().flatten().map(|file| file.path());
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "pid"));
    files.filter_map(|path| cpu::process_of(&std::fs::read_to_string(path).ok()?)).collect()
}

/// Where the output of process `name` goes.
pub fn log(name: &str) -> PathBuf {
    super::repository().join(".local/bench").join(format!("{name}.log"))
}

impl Process {
    /// Starts one of the project's programs: those named without a path lie beside this one.
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

    /// Starts any command; its errors go to the log, its output where `command` says.
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

    /// Its id, while it runs.
    pub(crate) fn id(&self) -> anyhow::Result<Pid> {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        id.with_context(|| format!("{} has ended", self.name))
    }

    /// Has it stand still, until it is told to go on.
    pub(crate) fn halt(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.id()?, Signal::STOP)?)
    }

    /// Has it go on.
    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        Ok(kill_process(self.id()?, Signal::CONT)?)
    }

    /// Waits until it has ended by itself.
    pub async fn ended(mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }

    /// Whether it has ended, and how.
    pub fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Asks it to end, and waits for `grace` at most; how it ended, or `None` when it has not: then it is killed.
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

    /// Ends it at once.
    pub async fn kill(mut self) {
        // An error says that it has ended already.
        self.child.kill().await.ok();
    }

    /// Its name in the logs.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The log, to append to.
pub fn output(name: &str) -> anyhow::Result<File> {
    let path = log(name);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = File::options().create(true).append(true).open(&path);
    file.with_context(|| format!("opening {}", path.display()))
}
