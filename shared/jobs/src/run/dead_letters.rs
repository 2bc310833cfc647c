//! Collector of dead letters: stores the messages of the dead-letter queue in the database, where operators see them
//! beside the failed jobs.

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Connection};
use tokio::time::sleep;
use toneup_platform::broker::{SessionError, answered};
use toneup_platform::database::bounded;
use toneup_platform::retry::Backoff;

use crate::broker::message::JobRequested;
use crate::broker::topology;
use crate::engine::Engine;
use crate::store::dead_letters::{GivenUp, record_given_up};

/// Prefetch of the dead-letter queue.
const WINDOW: u16 = 8;
/// Most characters of an unreadable message that are stored.
const EXCERPT: usize = 200;

/// Consumer of the dead-letter queue.
#[derive(Debug)]
pub(super) struct DeadLetters {
    pub(super) engine: Engine,
}

impl DeadLetters {
    /// Consumes until the connection or the consumer breaks.
    pub(super) async fn collect(&self, connection: &Connection) -> Result<(), SessionError> {
        let channel = answered(connection.create_channel()).await?;
        answered(topology::declare(&channel, &self.engine.kinds)).await?;
        answered(channel.basic_qos(WINDOW, BasicQosOptions::default())).await?;
        let queue = topology::dead_queue(&self.engine.kinds);
        let consume = channel.basic_consume(
            queue.as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let mut letters = answered(consume).await?;
        while let Some(letter) = letters.next().await {
            self.note(letter?).await?;
        }
        Err(SessionError::ConsumerEnded)
    }

    /// Stores a letter, however long the database is away, and acknowledges it then. It is never requeued: the broker
    /// drops a message that came back more often than its queue's delivery limit allows.
    async fn note(&self, letter: Delivery) -> Result<(), SessionError> {
        let given_up = read(&letter.data, &letter.properties);
        tracing::warn!(job.id = ?given_up.job, given_up.reason, "dead letter");
        let mut failures = 0;
        while let Err(error) = bounded(record_given_up(&self.engine.database, &given_up)).await {
            failures += 1;
            tracing::warn!(%error, failures, "cannot store a dead letter");
            sleep(Backoff::RECONNECT.pause(failures)).await;
        }
        answered(letter.ack(BasicAckOptions::default())).await?;
        Ok(())
    }
}

fn read(data: &[u8], properties: &BasicProperties) -> GivenUp {
    let message = serde_json::from_slice::<JobRequested>(data).ok();
    let text = if let Some(message) = &message {
        format!("attempt {} was not settled", message.attempt + 1)
    } else {
        let excerpt: String = String::from_utf8_lossy(data).chars().take(EXCERPT).collect();
        format!("not one of our messages ({} bytes): {excerpt:?}", data.len())
    };
    GivenUp {
        job: message.as_ref().map(|message| message.job_id),
        kind: message.map(|message| message.kind),
        reason: reason(properties).unwrap_or("unknown").to_uppercase(),
        message: text,
    }
}

/// Reason of the dead-lettering, from the latest entry of the `x-death` header; `None` if there is none.
fn reason(properties: &BasicProperties) -> Option<&str> {
    let deaths = properties.headers().as_ref()?.inner().get("x-death")?.as_array()?;
    let latest = deaths.as_slice().first()?.as_field_table()?;
    let AMQPValue::LongString(text) = latest.inner().get("reason")? else { return None };
    std::str::from_utf8(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_message_is_shown_and_not_whole() {
        let given_up = read(&b"x".repeat(9000), &BasicProperties::default());
        assert_eq!((given_up.job, given_up.reason.as_str()), (None, "UNKNOWN"));
        assert!(given_up.message.starts_with("not one of our messages (9000 bytes): \"xxx"));
        assert!(given_up.message.len() < 300);
    }
}
