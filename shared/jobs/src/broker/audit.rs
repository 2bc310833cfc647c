//! Comparing the queue with the database, now and then, over a channel of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use lapin::{Channel, Connection};
use metrics::{counter, gauge};
use tokio::time::sleep;
use toneup_platform::broker::{SessionError, answered};
use toneup_platform::database::{Database, bounded};

use super::topology;
use crate::kind::Kinds;
use crate::store::audit::{Published, Suspects, count_waiting, list_published, mark_lost, now};

/// The rows of each kind that looked lost at the last audit.
pub(super) type SuspectsByKind = BTreeMap<&'static str, Suspects>;

/// The audit of the queues.
pub(super) struct Audit<'a> {
    pub(super) pool: &'a Database,
    pub(super) kinds: &'a Kinds,
    pub(super) connection: &'a Connection,
    /// Between two looks; `None`: never.
    pub(super) every: Option<Duration>,
}

impl Audit<'_> {
    /// Looks until the broker fails.
    pub(super) async fn run(&self, suspects: &mut SuspectsByKind) -> Result<(), SessionError> {
        let Some(every) = self.every else { return std::future::pending().await };
        let channel = answered(self.connection.create_channel()).await?;
        let republished = counter!("toneup_audit_republished_total");
        loop {
            // Replicas that look at different moments find more together than replicas in step.
            sleep(every.mul_f64(rand::random_range(0.75..1.25))).await;
            match self.look(&channel, suspects).await? {
                Ok(0) => {}
                Ok(repaired) => {
                    republished.increment(repaired);
                    tracing::warn!(repaired, "messages were lost; publishing again");
                }
                Err(error) => tracing::warn!(%error, "cannot audit the queue"),
            }
        }
    }

    /// Compares each kind's queue with its rows; returns the number of rows that had lost their message. The outer error is
    /// the broker's, the inner one the database's.
    async fn look(
        &self,
        channel: &Channel,
        suspects: &mut SuspectsByKind,
    ) -> Result<Result<u64, sqlx::Error>, SessionError> {
        let before = bounded(async { now(&mut *self.pool.acquire().await?).await }).await;
        // Declares the queues on the way, should one have been deleted.
        let ready = answered(topology::declare(channel, self.kinds)).await?;
        for (queue, routing_key) in topology::queues(self.kinds) {
            let messages = ready.get(routing_key).copied().unwrap_or_default();
            gauge!("toneup_broker_messages", "queue" => queue).set(messages);
        }
        Ok(async {
            let (before, mut repaired) = (before?, 0);
            for kind in self.kinds.names() {
                let ready = ready.get(kind).copied().unwrap_or_default();
                let published = bounded(self.list(kind, before, ready)).await?;
                let lost = suspects.entry(kind).or_default().find_lost(&published, ready);
                if !lost.is_empty() {
                    repaired += bounded(self.repair(&lost)).await?;
                }
            }
            Ok(repaired)
        }
        .await)
    }

    /// Lists the rows of a kind that should have a message; none, cheaply, while there are no more of them than messages.
    async fn list(
        &self,
        kind: &str,
        before: time::OffsetDateTime,
        ready: u32,
    ) -> Result<Vec<Published>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if count_waiting(&mut connection, kind).await? <= i64::from(ready) {
            return Ok(Vec::new());
        }
        list_published(&mut connection, kind, before).await
    }

    async fn repair(&self, lost: &[Published]) -> Result<u64, sqlx::Error> {
        self.pool.in_transaction(async |conn| mark_lost(conn, lost).await).await
    }
}
