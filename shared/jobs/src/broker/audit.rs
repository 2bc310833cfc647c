//! Periodic audit of the queues against the database, over a channel of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use lapin::{Channel, Connection};
use metrics::{counter, gauge};
use tokio::time::sleep;
use toneup_platform::broker::{SessionError, answered};
use toneup_platform::database::{Database, bounded};
use toneup_platform::leader::Leadership;

use super::topology;
use crate::kind::Kinds;
use crate::store::audit::{Published, Suspects, find_missing, mark_lost, now};

/// Rows of each kind that looked lost in the last audit.
pub(super) type SuspectsByKind = BTreeMap<&'static str, Suspects>;

/// Periodic audit of the queues of all kinds.
pub(super) struct Audit<'a> {
    pub(super) pool: &'a Database,
    pub(super) kinds: &'a Kinds,
    pub(super) connection: &'a Connection,
    /// Interval of the audits, which only the leader makes; `None` disables them.
    pub(super) every: Option<&'a (Duration, Leadership)>,
}

impl Audit<'_> {
    /// Runs audits until the broker fails.
    pub(super) async fn run(&self, suspects: &mut SuspectsByKind) -> Result<(), SessionError> {
        let Some((every, leadership)) = self.every else { return std::future::pending().await };
        let channel = answered(self.connection.create_channel()).await?;
        let republished = counter!("toneup_audit_republished_total");
        loop {
            sleep(every.mul_f64(rand::random_range(0.75..1.25))).await;
            match self.check(&channel, suspects, leadership.is_held()).await? {
                Ok(0) => {}
                Ok(repaired) => {
                    republished.increment(repaired);
                    tracing::warn!(repaired, "messages were lost; publishing again");
                }
                Err(error) => tracing::warn!(%error, "cannot audit the queue"),
            }
        }
    }

    /// Measures the queues, and, if this replica leads, compares each with its kind's rows; returns the number of rows whose
    /// message was lost. The outer error is the broker's, the inner one the database's.
    async fn check(
        &self,
        channel: &Channel,
        suspects: &mut SuspectsByKind,
        leads: bool,
    ) -> Result<Result<u64, sqlx::Error>, SessionError> {
        let before = bounded(async { now(&mut *self.pool.acquire().await?).await }).await;
        // Also declares queues that have been deleted.
        let ready = answered(topology::declare(channel, self.kinds)).await?;
        for (queue, routing_key) in topology::queues(self.kinds) {
            let messages = ready.get(routing_key).copied().unwrap_or_default();
            gauge!("toneup_broker_messages", "queue" => queue).set(messages);
        }
        if !leads {
            suspects.clear();
            return Ok(Ok(0));
        }
        Ok(async {
            let (before, mut repaired) = (before?, 0);
            for kind in self.kinds.names() {
                let ready = ready.get(kind).copied().unwrap_or_default();
                let missing = bounded(self.find_missing(kind, before, ready)).await?;
                let lost = suspects.entry(kind).or_default().find_lost(&missing);
                if !lost.is_empty() {
                    repaired += bounded(self.repair(&lost)).await?;
                }
            }
            Ok(repaired)
        }
        .await)
    }

    async fn find_missing(
        &self,
        kind: &str,
        before: time::OffsetDateTime,
        ready: u32,
    ) -> Result<Vec<Published>, sqlx::Error> {
        find_missing(&mut *self.pool.acquire().await?, kind, before, ready).await
    }

    async fn repair(&self, lost: &[Published]) -> Result<u64, sqlx::Error> {
        self.pool.in_transaction(async |conn| mark_lost(conn, lost).await).await
    }
}
