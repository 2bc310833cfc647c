//! Publishing: one task owns the channel, keeps many confirms in flight and notes in the database what was confirmed.
//!
//! Nothing here needs to succeed: a row stays due until its publish is confirmed and noted, and the sweep repeats it.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection};
use sqlx::MySqlPool;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::connection::{BROKER_TIMEOUT, SessionError, answered, supervise};
use super::message::{AnalyzeRequested, TRACEPARENT};
use super::topology::{self, EXCHANGE, JOBS};
use crate::analyses::AnalysisId;
use crate::analyses::due::note_published;
use crate::config::{BrokerConfig, JobsConfig};
use crate::database::retry_deadlock;
use crate::shutdown::Shutdown;
use crate::trace::TraceParent;

/// Publications that may wait for the broker; more are left to the sweep.
const BACKLOG: usize = 4096;
/// Publishes that may be unconfirmed at once.
const IN_FLIGHT: usize = 512;
/// Confirms noted with one statement.
const NOTED_AT_ONCE: usize = 256;
/// AMQP 0-9-1 `delivery-mode`: written to disk.
const PERSISTENT: u8 = 2;

/// A message to publish, and the row it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Publication {
    /// The analysis.
    pub analysis: AnalysisId,
    /// Attempts made before.
    pub attempt: u16,
    /// The row's `publish_seq`: a confirm counts only for this due time.
    pub sequence: u32,
    /// The trace of the request that asked for the analysis.
    pub trace: TraceParent,
}

impl Publication {
    /// The first publication of a fresh row.
    pub fn first(analysis: AnalysisId, trace: TraceParent) -> Self {
        Self { analysis, attempt: 0, sequence: 0, trace }
    }
}

/// Hands publications to the publishing task. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    queue: mpsc::Sender<Publication>,
}

impl Publisher {
    /// Starts the publishing task; it ends once `shutdown` drains, after what it was given before.
    pub fn spawn(
        broker: BrokerConfig,
        pool: MySqlPool,
        jobs: JobsConfig,
        shutdown: &Shutdown,
    ) -> Self {
        let (queue, publications) = mpsc::channel(BACKLOG);
        let draining = shutdown.draining.clone();
        shutdown.tasks.spawn(async move {
            // One session at a time; the lock only lends the queue to the next one.
            let publications = Mutex::new(publications);
            supervise("toneup publisher", &broker.amqp_url, &draining, |connection| async {
                let connection = connection;
                let again_after = jobs.job_republish_after;
                let session = Session { pool: &pool, again_after, draining: &draining };
                session.run(&connection, &mut *publications.lock().await).await
            })
            .await;
        });
        Self { queue }
    }

    /// Asks for a publish as soon as the broker can. When too many wait already, the sweep will ask again.
    pub fn offer(&self, publication: Publication) {
        if self.queue.try_send(publication).is_err() {
            tracing::debug!(analysis.id = %publication.analysis.0, "publish left to the sweep");
        }
    }
}

/// What one connection's life needs.
struct Session<'a> {
    pool: &'a MySqlPool,
    again_after: Duration,
    draining: &'a CancellationToken,
}

impl Session<'_> {
    async fn run(
        &self,
        connection: &Connection,
        publications: &mut mpsc::Receiver<Publication>,
    ) -> Result<(), SessionError> {
        let channel = answered(connection.create_channel()).await?;
        answered(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        answered(topology::declare(&channel)).await?;

        let mut unconfirmed = FuturesUnordered::new();
        let mut noting = FuturesUnordered::new();
        let mut confirmed: Vec<(AnalysisId, u32)> = Vec::new();
        let mut draining = false;
        loop {
            if noting.is_empty() && !confirmed.is_empty() {
                let some = confirmed.len().min(NOTED_AT_ONCE);
                noting.push(self.note(confirmed.drain(..some).collect()));
            }
            if draining && unconfirmed.is_empty() && noting.is_empty() && publications.is_empty() {
                return Ok(());
            }
            tokio::select! {
                Some(outcome) = unconfirmed.next() => confirmed.extend(outcome?),
                Some(()) = noting.next() => {}
                Some(publication) = publications.recv(), if unconfirmed.len() < IN_FLIGHT => {
                    unconfirmed.push(publish(&channel, publication).await?);
                }
                () = self.draining.cancelled(), if !draining => draining = true,
            }
        }
    }

    /// Notes confirms in the database. A failure is harmless: the sweep publishes those rows once more.
    async fn note(&self, confirmed: Vec<(AnalysisId, u32)>) {
        let noted = retry_deadlock(|| async {
            let mut connection = self.pool.acquire().await?;
            note_published(&mut connection, &confirmed, self.again_after).await
        });
        match timeout(BROKER_TIMEOUT, noted).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot note confirmed publishes"),
            Err(_) => tracing::warn!("noting confirmed publishes took too long"),
        }
    }
}

/// Writes a message to the channel; the future it returns waits for the broker's word. `Some` if the message is safe in
/// the queue, `None` if the broker would not take it.
async fn publish(
    channel: &Channel,
    publication: Publication,
) -> Result<
    impl Future<Output = Result<Option<(AnalysisId, u32)>, SessionError>> + use<>,
    SessionError,
> {
    let Publication { analysis, attempt, sequence, trace } = publication;
    let message = AnalyzeRequested { analysis_id: analysis, attempt };
    let payload = serde_json::to_vec(&message).unwrap_or_default();
    let mut headers = FieldTable::default();
    headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.child().to_string().into()));
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(analysis.0.to_string().into())
        .with_headers(headers);
    let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirm = answered(channel.basic_publish(
        EXCHANGE.into(),
        JOBS.routing_key.into(),
        mandatory,
        &payload,
        properties,
    ))
    .await?;
    Ok(async move {
        match answered(confirm).await? {
            Confirmation::Ack(None) => Ok(Some((analysis, sequence))),
            refused => {
                tracing::warn!(analysis.id = %analysis.0, ?refused, "publish refused");
                Ok(None)
            }
        }
    })
}
