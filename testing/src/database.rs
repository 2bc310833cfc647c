//! A database server with a certificate, started as a process for one test.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::tls::Authority;

/// Options that trade durability for speed, since the data is temporary.
const FLEETING: [&str; 4] = [
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-method=nosync",
    "--innodb-flush-log-at-trx-commit=0",
];

/// An empty MariaDB with the project's user; killed on drop, and its data deleted.
#[derive(Debug)]
pub struct EncryptedDatabase {
    /// URL of the server, for clients that trust its authority.
    pub url: String,
    root: PathBuf,
    process: Child,
}

impl EncryptedDatabase {
    /// Starts the server and waits until it listens.
    pub async fn start(authority: &Authority) -> Self {
        let root = std::env::temp_dir().join(format!("toneup-db-{}", Uuid::now_v7()));
        // A starting server removes all temporary tables in its folder, so that it needs one of its own.
        let temporary = root.join("tmp");
        std::fs::create_dir_all(&temporary).expect("a directory of its own");
        let user = output(&mut Command::new("id"), &["-un"]).await;
        let own = [
            format!("--datadir={}", root.join("data").display()),
            format!("--tmpdir={}", temporary.display()),
            format!("--user={}", user.trim()),
        ];
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--skip-test-db"]).args(&own);
        output(&mut install, &FLEETING).await;

        let (certificate, key) = authority.issue_files();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let init = crate::support::repository().join("scripts/development.sql");
        let process = Command::new("/usr/sbin/mariadbd")
            .arg("--no-defaults")
            .args(own)
            .args(["--bind-address=127.0.0.1", "--socket=server.sock", "--skip-name-resolve"])
            .args(FLEETING)
            .arg(format!("--port={port}"))
            .arg(format!("--ssl-cert={}", certificate.display()))
            .arg(format!("--ssl-key={}", key.display()))
            // Connections without TLS are refused.
            .arg("--require-secure-transport=ON")
            .arg(format!("--init-file={}", init.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("MariaDB starts; scripts/setup.sh mariadb installs it");
        let database =
            Self { url: format!("mysql://toneup:toneup@127.0.0.1:{port}/toneup"), root, process };
        crate::support::eventually("MariaDB listens", async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await;
        database
    }
}

impl Drop for EncryptedDatabase {
    fn drop(&mut self) {
        drop(self.process.start_kill());
        drop(std::fs::remove_dir_all(&self.root));
    }
}

async fn output(command: &mut Command, arguments: &[&str]) -> String {
    let ran = command.args(arguments).kill_on_drop(true).output().await;
    let ran = ran.expect("MariaDB is installed, as scripts/setup.sh mariadb does");
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {text}{error}");
    text
}
