//! Publishing: one task owns the channel, keeps many confirms in flight and notes in the database what was confirmed.
//!
//! Nothing here needs to succeed: a row stays due until its publish is confirmed and noted, and the sweep repeats it.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Fuse, FusedFuture};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, Event};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::audit::Audit;
use super::connection::{BROKER_TIMEOUT, SessionError, answered, supervise};
use super::message::{AnalyzeRequested, TRACEPARENT};
use super::topology::{self, EXCHANGE, JOBS};
use crate::analyses::AnalysisId;
use crate::analyses::audit::Suspects;
use crate::analyses::due::{note_published, note_unpublished};
use crate::config::BrokerConfig;
use crate::database::{Database, bounded, retry_deadlock};
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
    ready: watch::Receiver<bool>,
}

impl Publisher {
    /// Starts the publishing task; it ends once `shutdown` drains, after what it was given before. With `audits`, it also
    /// looks after messages that vanish.
    pub fn spawn(
        broker: BrokerConfig,
        pool: Database,
        audits: Option<Duration>,
        shutdown: &Shutdown,
    ) -> Self {
        let (queue, publications) = mpsc::channel(BACKLOG);
        let (set_ready, ready) = watch::channel(false);
        let draining = shutdown.draining.clone();
        shutdown.tasks.spawn(async move {
            // One session at a time; the lock only lends these to the next one.
            let lent = Mutex::new((publications, Suspects::default()));
            supervise("toneup publisher", &broker, &draining, |connection| async {
                let connection = connection;
                let (publications, suspects) = &mut *lent.lock().await;
                let session =
                    Session { pool: &pool, audits, ready: &set_ready, draining: &draining };
                let ended = Box::pin(session.run(&connection, publications, suspects)).await;
                set_ready.send_replace(false);
                session.give_back(publications).await;
                ended
            })
            .await;
        });
        Self { queue, ready }
    }

    /// Whether the broker takes messages. While it does not, what is due stays due in the database.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Waits until the broker takes messages.
    pub async fn until_ready(&self) {
        // An error means that the process ends: nobody waits for this any more.
        drop(self.ready.clone().wait_for(|ready| *ready).await);
    }

    /// Whether many publications wait already.
    pub fn is_busy(&self) -> bool {
        self.queue.capacity() < BACKLOG / 2
    }

    /// Asks for publishes. Where the broker is away, or too many wait already, the sweep will ask again.
    pub fn offer_all(&self, publications: impl IntoIterator<Item = Publication>) {
        if self.is_ready() {
            for publication in publications {
                if self.queue.try_send(publication).is_err() {
                    tracing::debug!(analysis.id = %publication.analysis.0, "left to the sweep");
                }
            }
        }
    }
}

/// What one connection's life needs.
struct Session<'a> {
    pool: &'a Database,
    audits: Option<Duration>,
    ready: &'a watch::Sender<bool>,
    draining: &'a CancellationToken,
}

/// What became of a publish.
enum Published {
    /// The message is safe in the queue.
    Confirmed(AnalysisId, u32),
    /// No queue took it: the topology is gone.
    Unroutable(AnalysisId, u32),
    /// The queue would not take it. The row stays due.
    Refused,
}

impl Session<'_> {
    async fn run(
        &self,
        connection: &Connection,
        publications: &mut mpsc::Receiver<Publication>,
        suspects: &mut Suspects,
    ) -> Result<(), SessionError> {
        let events = connection.events_listener();
        let channel = answered(connection.create_channel()).await?;
        answered(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        answered(topology::declare(&channel)).await?;
        let audit = Audit { pool: self.pool, connection, every: self.audits };
        let mut auditing = pin!(audit.run(suspects));
        let mut events = pin!(events);

        let mut publishing = pin!(Fuse::terminated());
        let mut unconfirmed = FuturesUnordered::new();
        let mut noting = FuturesUnordered::new();
        let mut confirmed: Vec<(AnalysisId, u32)> = Vec::new();
        let (mut blocked, mut draining) = (false, false);
        // The last time the broker answered, or was asked when nothing was open.
        let mut answered_at = Instant::now();
        self.ready.send_replace(true);
        loop {
            if noting.is_empty() && !confirmed.is_empty() {
                let some = confirmed.len().min(NOTED_AT_ONCE);
                noting.push(self.note(confirmed.drain(..some).collect()));
            }
            let waiting = !publishing.is_terminated() || !unconfirmed.is_empty();
            let idle = !waiting && noting.is_empty() && publications.is_empty();
            if draining && (idle || blocked) {
                return Ok(());
            }
            let may_publish =
                !blocked && publishing.is_terminated() && unconfirmed.len() < IN_FLIGHT;
            tokio::select! {
                Some(outcome) = unconfirmed.next() => {
                    answered_at = Instant::now();
                    confirmed.extend(self.settle(&channel, outcome?).await?);
                }
                Some(()) = noting.next() => {}
                confirm = &mut publishing, if !publishing.is_terminated() => {
                    unconfirmed.push(confirm?);
                }
                Some(publication) = publications.recv(), if may_publish => {
                    if unconfirmed.is_empty() {
                        answered_at = Instant::now();
                    }
                    publishing.set(publish(&channel, publication).fuse());
                }
                Some(event) = events.next() => if let Some(now_blocked) = blocking(&event) {
                    blocked = now_blocked;
                    answered_at = Instant::now();
                    self.ready.send_replace(!blocked);
                    if blocked {
                        self.give_back(publications).await;
                    }
                },
                ended = &mut auditing => return ended,
                () = sleep_until(answered_at + BROKER_TIMEOUT), if waiting && !blocked => {
                    return Err(SessionError::TimedOut);
                }
                () = self.draining.cancelled(), if !draining => draining = true,
            }
        }
    }

    /// Does what the broker's word asks for; returns what is to be noted as confirmed.
    async fn settle(
        &self,
        channel: &Channel,
        published: Published,
    ) -> Result<Option<(AnalysisId, u32)>, SessionError> {
        match published {
            Published::Confirmed(analysis, sequence) => Ok(Some((analysis, sequence))),
            Published::Unroutable(analysis, sequence) => {
                answered(topology::declare(channel)).await?;
                self.note_unpublished(&[(analysis, sequence)]).await;
                Ok(None)
            }
            Published::Refused => Ok(None),
        }
    }

    /// What waits to be published becomes due again, for whoever can publish it next.
    async fn give_back(&self, publications: &mut mpsc::Receiver<Publication>) {
        let mut left = Vec::new();
        while let Ok(Publication { analysis, sequence, .. }) = publications.try_recv() {
            left.push((analysis, sequence));
        }
        for some in left.chunks(NOTED_AT_ONCE) {
            self.note_unpublished(some).await;
        }
    }

    /// Notes confirms in the database. A failure is harmless: the sweep publishes those rows once more.
    async fn note(&self, confirmed: Vec<(AnalysisId, u32)>) {
        let noted = bounded(retry_deadlock(|| async {
            let mut connection = self.pool.acquire().await?;
            note_published(&mut connection, &confirmed).await
        }));
        if let Err(error) = noted.await {
            tracing::warn!(%error, "cannot note confirmed publishes");
        }
    }

    /// Makes rows due at once. A failure is harmless: they are due a little later anyway.
    async fn note_unpublished(&self, refused: &[(AnalysisId, u32)]) {
        let noted = bounded(retry_deadlock(|| async {
            let mut connection = self.pool.acquire().await?;
            note_unpublished(&mut connection, refused).await
        }));
        if let Err(error) = noted.await {
            tracing::debug!(%error, "cannot note what was not published");
        }
    }
}

/// Whether the broker has just stopped or resumed to take messages (`connection.blocked`: a memory or disk alarm).
fn blocking(event: &Event) -> Option<bool> {
    match event {
        Event::ConnectionBlocked(reason) => {
            tracing::warn!(reason, "the broker takes no messages; they stay due");
            Some(true)
        }
        Event::ConnectionUnblocked => {
            tracing::info!("the broker takes messages again");
            Some(false)
        }
        _ => None,
    }
}

/// Writes a message to the channel; the future it returns waits for the broker's word. The session bounds both waits.
async fn publish(
    channel: &Channel,
    publication: Publication,
) -> Result<impl Future<Output = Result<Published, SessionError>> + use<>, SessionError> {
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
    let routing_key = JOBS.routing_key.into();
    let confirm = channel
        .basic_publish(EXCHANGE.into(), routing_key, mandatory, &payload, properties)
        .await?;
    Ok(async move {
        match confirm.await? {
            Confirmation::Ack(None) => Ok(Published::Confirmed(analysis, sequence)),
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => {
                tracing::warn!(analysis.id = %analysis.0, "no queue takes the message");
                Ok(Published::Unroutable(analysis, sequence))
            }
            refused => {
                tracing::warn!(analysis.id = %analysis.0, ?refused, "publish refused");
                Ok(Published::Refused)
            }
        }
    })
}
