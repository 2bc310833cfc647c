//! Forgetting what nobody can ask for any more.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::database::{Database, micros};
use crate::pushes;

/// Rows one statement deletes: short locks, whatever the backlog.
const CHUNK: u32 = 1000;
const EVERY: Duration = Duration::from_mins(10);

/// How long what can be asked for is kept.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// Idempotency keys.
    pub idempotency: Duration,
    /// Events, for clients that come back.
    pub events: Duration,
    /// What was told to webhooks, browsers and phones.
    pub pushes: Duration,
}

/// Deletes what has expired every few minutes until `draining`.
pub async fn run(pool: Database, retention: Retention, draining: CancellationToken) {
    // Replicas that start together need not delete together.
    let mut pause = EVERY.mul_f64(rand::random());
    while draining.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        if let Err(error) = purge(&pool, retention).await {
            tracing::warn!(%error, "cannot purge expired rows");
        }
        pause = EVERY;
    }
}

/// Deletes expired rows, in chunks.
pub async fn purge(pool: &Database, retention: Retention) -> Result<(), sqlx::Error> {
    loop {
        let keys = sqlx::query!(
            "DELETE FROM idempotency_keys WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
            micros(retention.idempotency),
            CHUNK
        );
        let tokens =
            sqlx::query!("DELETE FROM refresh_tokens WHERE expires_at < NOW(3) LIMIT ?", CHUNK);
        let tickets =
            sqlx::query!("DELETE FROM stream_tickets WHERE expires_at < NOW(3) LIMIT ?", CHUNK);
        // The analyses and what they came to stay.
        let events = sqlx::query!(
            "DELETE FROM analysis_events WHERE created_at < NOW(3) - INTERVAL ? MICROSECOND LIMIT ?",
            micros(retention.events),
            CHUNK
        );
        let mut connection = pool.acquire().await?;
        let deleted = [
            keys.execute(&mut *connection).await?.rows_affected(),
            tokens.execute(&mut *connection).await?.rows_affected(),
            tickets.execute(&mut *connection).await?.rows_affected(),
            events.execute(&mut *connection).await?.rows_affected(),
            pushes::purge::purge(&mut connection, retention.pushes, CHUNK).await?,
        ];
        if deleted.into_iter().all(|deleted| deleted < u64::from(CHUNK)) {
            return Ok(());
        }
    }
}
