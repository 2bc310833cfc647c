//! The writer of messages: those that arrive together share a transaction, whatever their rooms.

use std::time::Duration;

use metrics::histogram;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use toneup_platform::batch::{BatchError, Batcher, Limits};
use toneup_platform::database::{Database, retry_deadlock};

use super::hints::Hint;
use super::hub::Hub;
use super::store::place::{NewMessage, Outcome};
use super::store::send::send;

/// Timeout of one commit.
const LONGEST_COMMIT: Duration = Duration::from_secs(3);
/// Timeout of a message as its sender sees it, the time spent queued included.
const LONGEST_SEND: Duration = Duration::from_secs(4);

/// Stores messages. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    batches: Batcher<NewMessage, Outcome, sqlx::Error>,
}

impl Writer {
    /// Starts the group commit.
    pub(crate) fn spawn(pool: Database, hub: Hub, tasks: &TaskTracker) -> Self {
        let limits = Limits { timeout: LONGEST_COMMIT, ..Limits::default() };
        let batches = Batcher::spawn(limits, tasks, move |items: Vec<NewMessage>| {
            let (pool, hub) = (pool.clone(), hub.clone());
            async move {
                let outcomes =
                    retry_deadlock(|| pool.in_batch(async |conn| send(conn, &items).await));
                let outcomes = outcomes.await?;
                tell(&hub, &items, &outcomes);
                Ok(outcomes)
            }
        });
        Self { batches }
    }

    /// Makes a message durable. After an error it may or may not be stored; the client sends it again with its key.
    pub(crate) async fn send(
        &self,
        message: NewMessage,
    ) -> Result<Outcome, BatchError<sqlx::Error>> {
        let begun = Instant::now();
        match timeout(LONGEST_SEND, self.batches.submit(message)).await {
            Ok(sent) => {
                if sent.is_ok() {
                    histogram!("toneup_chat_send_seconds").record(begun.elapsed());
                }
                sent
            }
            Err(_) => Err(BatchError::TimedOut),
        }
    }
}

/// Tells of each stored message.
fn tell(hub: &Hub, items: &[NewMessage], outcomes: &[Outcome]) {
    for (item, outcome) in items.iter().zip(outcomes) {
        if let Ok(stored) = outcome
            && !stored.repeated
        {
            let joined = stored.returned.into_iter().collect();
            hub.tell(Hint::Log { room: item.room, seq: stored.seq, joined });
        }
    }
}
