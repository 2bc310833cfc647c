//! Comparing the queue with the database, now and then, over a channel of its own.

use std::time::Duration;

use lapin::{Channel, Connection};
use metrics::{counter, gauge};
use tokio::time::sleep;

use super::connection::{SessionError, answered};
use super::topology::{self, DEAD, JOBS, Ready};
use crate::analyses::audit::{Published, Suspects, count_waiting, list_published, mark_lost, now};
use crate::database::{Database, bounded};

/// What the audit works with.
pub(super) struct Audit<'a> {
    pub(super) pool: &'a Database,
    pub(super) connection: &'a Connection,
    /// Between two looks; `None`: never.
    pub(super) every: Option<Duration>,
}

impl Audit<'_> {
    /// Looks until the broker fails.
    pub(super) async fn run(&self, suspects: &mut Suspects) -> Result<(), SessionError> {
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

    /// One look; how many rows had lost their message. The outer error is the broker's, the inner one the database's.
    async fn look(
        &self,
        channel: &Channel,
        suspects: &mut Suspects,
    ) -> Result<Result<u64, sqlx::Error>, SessionError> {
        let before = bounded(async { now(&mut *self.pool.acquire().await?).await }).await;
        // Declares the queue on the way, should it have been deleted.
        let Ready { jobs: ready, dead } = answered(topology::declare(channel)).await?;
        for (queue, messages) in [(JOBS, ready), (DEAD, dead)] {
            gauge!("toneup_broker_messages", "queue" => queue.name).set(messages);
        }
        Ok(async {
            let published = bounded(self.list(before?, ready)).await?;
            let lost = suspects.judge(&published, ready);
            if lost.is_empty() { Ok(0) } else { bounded(self.repair(&lost)).await }
        }
        .await)
    }

    /// Rows that should have a message; none, cheaply, while there are no more of them than messages.
    async fn list(
        &self,
        before: time::OffsetDateTime,
        ready: u32,
    ) -> Result<Vec<Published>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        if count_waiting(&mut connection).await? <= i64::from(ready) {
            return Ok(Vec::new());
        }
        list_published(&mut connection, before).await
    }

    async fn repair(&self, lost: &[Published]) -> Result<u64, sqlx::Error> {
        self.pool.in_transaction(async |conn| mark_lost(conn, lost).await).await
    }
}
