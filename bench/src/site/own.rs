//! A database server of a measurement's own: its counters count nothing else, and its settings disturb nobody.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::Pid;
use sqlx::{Connection, Executor, MySqlConnection};
use tokio::process::Command;
use url::Url;

use super::process::{Process, free_port, output};
use super::within;

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A MariaDB with data of its own, deleted with it.
#[derive(Debug)]
pub(crate) struct OwnDatabase {
    /// URL of an account that may do everything.
    pub(crate) url: Url,
    process: Process,
    folder: PathBuf,
}

impl OwnDatabase {
    /// Creates an empty database server and starts it on a free port.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let name = format!("toneup-bench-{}", uuid::Uuid::now_v7().simple());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        let data = format!("--datadir={}", folder.join("data").display());
        // The server refuses to run as root unless told so.
        let user = rustix::process::getuid().is_root().then_some("--user=root");
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--skip-test-db", &data]).args(user);
        install.arg("--auth-root-authentication-method=normal");
        let installed = install.stdout(output("mariadb")?).stderr(output("mariadb")?).status();
        ensure!(
            installed.await?.success(),
            "mariadb-install-db failed; see .local/bench/mariadb.log"
        );
        let port = free_port()?;
        let mut command = Command::new("/usr/sbin/mariadbd");
        command.args(["--no-defaults", &data]).args(user);
        command.args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=2000"]);
        command.args(["--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M"]);
        command.arg(format!("--port={port}"));
        command.arg(format!("--socket={}", folder.join("socket").display()));
        command.arg(format!("--pid-file={}", folder.join("pid").display()));
        command.stdout(output("mariadb")?);
        let process = Process::spawn("mariadb", command, &[])?;
        let url = format!("mysql://root@127.0.0.1:{port}/mysql").parse()?;
        let own = Self { url, process, folder };
        within(START_TIMEOUT, async || own.connect().await.is_ok())
            .await
            .context("MariaDB does not start; see .local/bench/mariadb.log")?;
        Ok(own)
    }

    async fn connect(&self) -> anyhow::Result<MySqlConnection> {
        Ok(MySqlConnection::connect(self.url.as_str()).await?)
    }

    /// Process of the server.
    pub(crate) fn id(&self) -> anyhow::Result<Pid> {
        self.process.id()
    }

    /// Sets a global variable.
    pub(crate) async fn set(&self, variable: &str, value: u32) -> anyhow::Result<()> {
        let statement = format!("SET GLOBAL {variable} = {value}");
        self.connect().await?.execute(sqlx::AssertSqlSafe(statement)).await?;
        Ok(())
    }

    /// Value of a counter of the server.
    pub(crate) async fn status(&self, name: &str) -> anyhow::Result<u64> {
        let (_, value): (String, String) =
            sqlx::query_as("SHOW GLOBAL STATUS WHERE Variable_name = ?")
                .bind(name)
                .fetch_one(&mut self.connect().await?)
                .await?;
        Ok(value.parse()?)
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        // The process is killed as it is dropped; a file that it still has open goes with it.
        fs::remove_dir_all(&self.folder).ok();
    }
}
