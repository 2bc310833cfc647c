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

use toneup_platform::broker::{BROKER_TIMEOUT, SessionError, answered, supervise};
use toneup_platform::config::BrokerConfig;
use toneup_platform::database::{Database, bounded, retry_deadlock};
use toneup_platform::shutdown::Shutdown;

use super::audit::{Audit, SuspectsByKind};
use super::message::{JobRequested, Publication, TRACEPARENT};
use super::topology;
use crate::job::JobId;
use crate::kind::Kinds;
use crate::store::due::{note_published, note_unpublished};

/// Publications that may wait for the broker; more are left to the sweep.
const BACKLOG: usize = 4096;
/// Publishes that may be unconfirmed at once.
const IN_FLIGHT: usize = 512;
/// Confirms noted with one statement.
const NOTED_AT_ONCE: usize = 256;
/// AMQP 0-9-1 `delivery-mode`: written to disk.
const PERSISTENT: u8 = 2;

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
        kinds: Kinds,
        audits: Option<Duration>,
        shutdown: &Shutdown,
    ) -> Self {
        let (queue, publications) = mpsc::channel(BACKLOG);
        let (set_ready, ready) = watch::channel(false);
        let draining = shutdown.draining.clone();
        shutdown.tasks.spawn(async move {
            // One session at a time; the lock only lends these to the next one.
            let lent = Mutex::new((publications, SuspectsByKind::default()));
            supervise("toneup publisher", &broker, &draining, |connection| async {
                let connection = connection;
                let (publications, suspects) = &mut *lent.lock().await;
                let session = Session {
                    pool: &pool,
                    kinds: &kinds,
                    audits,
                    ready: &set_ready,
                    draining: &draining,
                };
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
                    tracing::debug!(job.id = %publication.job.0, "left to the sweep");
                }
            }
        }
    }
}

/// What one connection's life needs.
struct Session<'a> {
    pool: &'a Database,
    kinds: &'a Kinds,
    audits: Option<Duration>,
    ready: &'a watch::Sender<bool>,
    draining: &'a CancellationToken,
}

/// The outcome of a publish.
enum Published {
    /// The message is safe in the queue.
    Confirmed(JobId, u32),
    /// No queue took it: the topology is gone.
    Unroutable(JobId, u32),
    /// The queue would not take it. The row stays due.
    Refused,
}

impl Session<'_> {
    async fn run(
        &self,
        connection: &Connection,
        publications: &mut mpsc::Receiver<Publication>,
        suspects: &mut SuspectsByKind,
    ) -> Result<(), SessionError> {
        let events = connection.events_listener();
        let channel = answered(connection.create_channel()).await?;
        answered(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        answered(topology::declare(&channel, self.kinds)).await?;
        let exchange = topology::exchange(self.kinds);
        let audit = Audit { pool: self.pool, kinds: self.kinds, connection, every: self.audits };
        let mut auditing = pin!(audit.run(suspects));
        let mut events = pin!(events);

        let mut publishing = pin!(Fuse::terminated());
        let mut unconfirmed = FuturesUnordered::new();
        let mut noting = FuturesUnordered::new();
        let mut confirmed: Vec<(JobId, u32)> = Vec::new();
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
                    publishing.set(publish(&channel, &exchange, publication).fuse());
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
    ) -> Result<Option<(JobId, u32)>, SessionError> {
        match published {
            Published::Confirmed(job, sequence) => Ok(Some((job, sequence))),
            Published::Unroutable(job, sequence) => {
                answered(topology::declare(channel, self.kinds)).await?;
                self.note_unpublished(&[(job, sequence)]).await;
                Ok(None)
            }
            Published::Refused => Ok(None),
        }
    }

    /// What waits to be published becomes due again, for whoever can publish it next.
    async fn give_back(&self, publications: &mut mpsc::Receiver<Publication>) {
        let mut left = Vec::new();
        while let Ok(Publication { job, sequence, .. }) = publications.try_recv() {
            left.push((job, sequence));
        }
        for some in left.chunks(NOTED_AT_ONCE) {
            self.note_unpublished(some).await;
        }
    }

    /// Notes confirms in the database. A failure is harmless: the sweep publishes those rows once more.
    async fn note(&self, confirmed: Vec<(JobId, u32)>) {
        let noted = bounded(retry_deadlock(|| async {
            let mut connection = self.pool.acquire().await?;
            note_published(&mut connection, &confirmed).await
        }));
        if let Err(error) = noted.await {
            tracing::warn!(%error, "cannot note confirmed publishes");
        }
    }

    /// Makes rows due at once. A failure is harmless: they are due a little later anyway.
    async fn note_unpublished(&self, refused: &[(JobId, u32)]) {
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
    exchange: &str,
    publication: Publication,
) -> Result<impl Future<Output = Result<Published, SessionError>> + use<>, SessionError> {
    let Publication { job, kind, attempt, sequence, trace } = publication;
    let message = JobRequested { job_id: job, kind: kind.to_owned(), attempt };
    let payload = serde_json::to_vec(&message).unwrap_or_default();
    let mut headers = FieldTable::default();
    headers.insert(TRACEPARENT.into(), AMQPValue::LongString(trace.child().to_string().into()));
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(job.0.to_string().into())
        .with_headers(headers);
    let mandatory = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirm = channel
        .basic_publish(exchange.into(), kind.into(), mandatory, &payload, properties)
        .await?;
    Ok(async move {
        match confirm.await? {
            Confirmation::Ack(None) => Ok(Published::Confirmed(job, sequence)),
            Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)) => {
                tracing::warn!(job.id = %job.0, "no queue takes the message");
                Ok(Published::Unroutable(job, sequence))
            }
            refused => {
                tracing::warn!(job.id = %job.0, ?refused, "publish refused");
                Ok(Published::Refused)
            }
        }
    })
}
