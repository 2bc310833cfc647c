//! A MariaDB of a measurement's own, whose counters count nothing else and which it may kill, with data in a folder that is
//! removed afterwards.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::Pid;
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection};
use tokio::process::Command;
use url::Url;

use super::process::{Process, free_port, output};
use super::{repository, within};

/// Longest time until it serves: after a kill it first repairs its tables from its log.
const START_TIMEOUT: Duration = Duration::from_mins(1);
/// Settings of `scripts/services.sh`, with a cache that holds the measured tables.
const SETTINGS: [&str; 8] = [
    "--bind-address=127.0.0.1",
    "--character-set-server=utf8mb4",
    "--transaction-isolation=READ-COMMITTED",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=512M",
    "--max-connections=2000",
    "--skip-name-resolve",
];

/// The server.
#[derive(Debug)]
pub(crate) struct OwnDatabase {
    /// URL of an account that may do everything.
    pub(crate) url: Url,
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl OwnDatabase {
    /// Installs and starts the server on a free port.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let port = free_port()?;
        let folder = std::env::temp_dir().join(format!("toneup-bench-{}", uuid::Uuid::now_v7()));
        let url = format!("mysql://toneup:toneup@127.0.0.1:{port}/toneup").parse()?;
        let mut database = Self { url, folder, port, process: None };
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--skip-test-db"]);
        install.arg("--auth-root-authentication-method=socket");
        install.arg(format!("--datadir={}", database.folder.display()));
        install.stdout(output("mariadb-install")?).stderr(output("mariadb-install")?);
        let installed = install.status().await.context("is MariaDB installed?")?;
        ensure!(installed.success(), "mariadb-install-db: {installed}");
        database.revive().await?;
        Ok(database)
    }

    /// Process of the server.
    pub(crate) fn id(&self) -> anyhow::Result<Pid> {
        self.process.as_ref().context("MariaDB does not run")?.id()
    }

    /// Sets a global variable.
    pub(crate) async fn set(&self, variable: &str, value: u32) -> anyhow::Result<()> {
        let mut conn = MySqlConnection::connect(self.url.as_str()).await?;
        conn.execute(AssertSqlSafe(format!("SET GLOBAL {variable} = {value}"))).await?;
        Ok(())
    }

    /// Value of a counter of the server.
    pub(crate) async fn status(&self, name: &str) -> anyhow::Result<u64> {
        let asked = sqlx::query_as("SHOW GLOBAL STATUS WHERE Variable_name = ?").bind(name);
        let mut conn = MySqlConnection::connect(self.url.as_str()).await?;
        let (_, value): (String, String) = asked.fetch_one(&mut conn).await?;
        Ok(value.parse()?)
    }

    /// Kills the server (SIGKILL).
    pub(crate) async fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
    }

    /// Starts the server again, at the same address, and waits until it serves.
    pub(crate) async fn revive(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new("mariadbd");
        // Debian has it where only root looks.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        command.env("PATH", std::env::join_paths(folders)?).arg("--no-defaults");
        command.arg(format!("--datadir={}", self.folder.display())).args(SETTINGS);
        command.arg(format!("--port={}", self.port)).arg("--socket=server.sock");
        let accounts = repository().join("scripts/development.sql");
        command.arg(format!("--init-file={}", accounts.display()));
        // As root it insists on being told so.
        command.args(rustix::process::getuid().is_root().then_some("--user=root"));
        command.stdout(output("mariadb")?);
        self.process = Some(Process::spawn("mariadb", command, &[])?);
        let serves = async || MySqlConnection::connect(self.url.as_str()).await.is_ok();
        within(START_TIMEOUT, serves).await.context("MariaDB does not start")
    }
}

impl Drop for OwnDatabase {
    /// Removes the data, once nothing writes them any more.
    fn drop(&mut self) {
        // Killed as it is dropped.
        drop(self.process.take());
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
