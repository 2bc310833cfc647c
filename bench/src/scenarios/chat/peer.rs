//! Peer: Node's Socket.IO with the Redis streams adapter (`bench/peers/chat`).

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::site::process::{Process, free_port, output};
use crate::site::servers::OwnRedis;
use crate::site::{Site, repository, within};

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// Servers of the peer, with a Redis of their own.
#[derive(Debug)]
pub(super) struct Peer {
    redis: OwnRedis,
    database_url: String,
    replicas: Vec<Replica>,
}

#[derive(Debug)]
struct Replica {
    port: u16,
    process: Option<Process>,
}

impl Peer {
    /// Starts so many servers, on the database of a site.
    pub(super) async fn start(site: &Site, replicas: usize) -> anyhow::Result<Self> {
        let database_url = site.database_url()?.to_string();
        let mut peer = Self { redis: OwnRedis::start().await?, database_url, replicas: Vec::new() };
        for replica in 0..replicas {
            peer.replicas.push(Replica { port: free_port()?, process: None });
            peer.revive(replica).await?;
        }
        Ok(peer)
    }

    /// Address of a server.
    pub(super) fn address(&self, replica: usize) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.replicas[replica].port))
    }

    /// Process id of the first server.
    pub(super) fn process(&self) -> anyhow::Result<u32> {
        let process = self.replicas.first().and_then(|replica| replica.process.as_ref());
        let id = process.context("the peer has ended")?.id()?;
        Ok(id.as_raw_nonzero().get().cast_unsigned())
    }

    /// Kills a server (SIGKILL).
    pub(super) async fn kill(&mut self, replica: usize) {
        if let Some(process) = self.replicas[replica].process.take() {
            process.kill().await;
        }
    }

    /// Starts a server again, at its address.
    pub(super) async fn revive(&mut self, replica: usize) -> anyhow::Result<()> {
        let address = self.address(replica);
        let name = format!("chat-peer-{replica}");
        let variables = [
            ("DATABASE_URL", self.database_url.clone()),
            ("REDIS_URL", self.redis.url.clone()),
            ("PORT", address.port().to_string()),
            ("NODE_ENV", "production".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let mut command = Command::new("node");
        command.arg("server.mjs").stdout(output(&name)?);
        command.current_dir(repository().join("bench/peers/chat"));
        self.replicas[replica].process = Some(Process::spawn(&name, command, &variables)?);
        within(START_TIMEOUT, async || TcpStream::connect(address).await.is_ok())
            .await
            .context("the peer does not start; its log is in .local/bench")
    }
}
