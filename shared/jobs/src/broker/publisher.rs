//! Publisher: one task owns the channel, keeps many confirms in flight and records confirmed publishes in the database.
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
use toneup_platform::leader::Leadership;
use toneup_platform::shutdown::Shutdown;

use super::audit::{Audit, SuspectsByKind};
use super::message::{JobRequested, Publication, TRACEPARENT};
use super::topology;
use crate::job::JobId;
use crate::kind::Kinds;
use crate::store::due::{note_published, note_unpublished};

/// Most publications waiting for the broker; further ones are left to the sweep.
const BACKLOG: usize = 4096;
/// Maximum number of unconfirmed publishes.
const IN_FLIGHT: usize = 512;
/// Confirms recorded with one statement.
const NOTED_AT_ONCE: usize = 256;
/// Time until a confirm is noted, unless as many wait as one statement notes: a job that is claimed meanwhile needs no
/// note. Much shorter than the grace after which the sweep publishes again.
const NOTE_AFTER: Duration = Duration::from_secs(1);
/// AMQP 0-9-1 `delivery-mode`: written to disk.
const PERSISTENT: u8 = 2;

/// Handle of the publishing task. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    queue: mpsc::Sender<Publication>,
    ready: watch::Receiver<bool>,
}

impl Publisher {
    /// Starts the publishing task, which ends after the tasks that `shutdown` waits for, and after what they have given
    /// it: jobs that end late release others. With `audits`, it also republishes messages that were lost, at this
    /// interval and while it leads.
    pub fn spawn(
        broker: BrokerConfig,
        pool: Database,
        kinds: Kinds,
        audits: Option<(Duration, Leadership)>,
        shutdown: &Shutdown,
    ) -> Self {
        let (queue, publications) = mpsc::channel(BACKLOG);
        let (set_ready, ready) = watch::channel(false);
        let ending = shutdown.ending.clone();
        shutdown.servants.spawn(async move {
            // One session at a time; the lock only lends these to the next one.
            let lent = Mutex::new((publications, SuspectsByKind::default()));
            supervise("toneup publisher", &broker, &ending, |connection| async {
                let connection = connection;
                let (publications, suspects) = &mut *lent.lock().await;
                let session = Session {
                    pool: &pool,
                    kinds: &kinds,
                    audits: audits.as_ref(),
                    ready: &set_ready,
                    ending: &ending,
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

    /// True while the broker accepts messages. Otherwise due rows stay due in the database.
    pub fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// Waits until the broker accepts messages.
    pub async fn until_ready(&self) {
        // An error means that the process is ending, and that nothing waits for this any more.
        drop(self.ready.clone().wait_for(|ready| *ready).await);
    }

    /// True while many publications are waiting.
    pub fn is_busy(&self) -> bool {
        self.queue.capacity() < BACKLOG / 2
    }

    /// Queues publications without waiting. If the broker is unavailable or too many are waiting, they are left to the
    /// sweep.
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

/// State of one connection.
struct Session<'a> {
    pool: &'a Database,
    kinds: &'a Kinds,
    audits: Option<&'a (Duration, Leadership)>,
    ready: &'a watch::Sender<bool>,
    ending: &'a CancellationToken,
}

/// Confirms that are not recorded in the database yet.
#[derive(Debug, Default)]
struct Unrecorded {
    confirmed: Vec<(JobId, u32)>,
    /// Time at which they are recorded, unless they become many before.
    due: Option<Instant>,
}

impl Unrecorded {
    fn add(&mut self, confirmed: Option<(JobId, u32)>) {
        self.confirmed.extend(confirmed);
        if !self.confirmed.is_empty() {
            self.due.get_or_insert_with(|| Instant::now() + NOTE_AFTER);
        }
    }

    /// Time of the next record; `None` while there is nothing to record.
    fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes what one statement records, if it is time, or many wait, or nothing will follow.
    fn take(&mut self, last: bool) -> Option<Vec<(JobId, u32)>> {
        let is_time = self.due.is_some_and(|due| due <= Instant::now());
        let many = self.confirmed.len() >= NOTED_AT_ONCE;
        if self.confirmed.is_empty() || !(is_time || many || last) {
            return None;
        }
        let some = self.confirmed.len().min(NOTED_AT_ONCE);
        let taken = self.confirmed.drain(..some).collect();
        if self.confirmed.is_empty() {
            self.due = None;
        }
        Some(taken)
    }
}

/// Waits until a time; for ever where there is none.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Outcome of a publish.
enum Published {
    /// Confirmed: the message is stored in the queue.
    Confirmed(JobId, u32),
    /// Returned: no queue is bound to the routing key, so the topology must be declared again.
    Unroutable(JobId, u32),
    /// Rejected by the queue. The row stays due.
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
        let (mut auditing, mut events) = (pin!(audit.run(suspects)), pin!(events));

        let mut publishing = pin!(Fuse::terminated());
        let mut unconfirmed = FuturesUnordered::new();
        let mut noting = FuturesUnordered::new();
        let mut confirmed = Unrecorded::default();
        let (mut blocked, mut ending) = (false, false);
        // Time of the broker's last response, or of the first publish while none was pending.
        let mut answered_at = Instant::now();
        self.ready.send_replace(true);
        loop {
            let waiting = !publishing.is_terminated() || !unconfirmed.is_empty();
            let last = ending && !waiting && publications.is_empty();
            if noting.is_empty() {
                noting.extend(confirmed.take(last).map(|some| self.note(some)));
            }
            let done = last && noting.is_empty() && confirmed.due().is_none();
            if done || (ending && blocked) {
                return Ok(());
            }
            let may_publish =
                !blocked && publishing.is_terminated() && unconfirmed.len() < IN_FLIGHT;
            tokio::select! {
                Some(outcome) = unconfirmed.next() => {
                    answered_at = Instant::now();
                    confirmed.add(self.settle(&channel, outcome?).await?);
                }
                Some(()) = noting.next() => {}
                () = until(confirmed.due()), if noting.is_empty() => {}
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
                () = self.ending.cancelled(), if !ending => ending = true,
            }
        }
    }

    /// Handles the outcome of a publish; returns the confirm to record, if any.
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

    /// Makes waiting publications due again, so that any replica can publish them.
    async fn give_back(&self, publications: &mut mpsc::Receiver<Publication>) {
        let mut left = Vec::new();
        while let Ok(Publication { job, sequence, .. }) = publications.try_recv() {
            left.push((job, sequence));
        }
        for some in left.chunks(NOTED_AT_ONCE) {
            self.note_unpublished(some).await;
        }
    }

    /// Records confirms in the database. A failure is harmless: the sweep publishes those rows once more.
    async fn note(&self, confirmed: Vec<(JobId, u32)>) {
        let noted = bounded(retry_deadlock(|| {
            self.pool.batch(async |conn| note_published(conn, &confirmed).await)
        }));
        if let Err(error) = noted.await {
            tracing::warn!(%error, "cannot record confirmed publishes");
        }
    }

    /// Makes rows due at once. A failure is harmless: they are due a little later anyway.
    async fn note_unpublished(&self, refused: &[(JobId, u32)]) {
        let noted = bounded(retry_deadlock(|| async {
            let mut connection = self.pool.acquire().await?;
            note_unpublished(&mut connection, refused).await
        }));
        if let Err(error) = noted.await {
            tracing::debug!(%error, "cannot record unpublished rows");
        }
    }
}

/// Flow control notification of the broker (`connection.blocked`: a memory or disk alarm): `true` if it has stopped to
/// accept messages, `false` if it has resumed, `None` for any other event.
fn blocking(event: &Event) -> Option<bool> {
    match event {
        Event::ConnectionBlocked(reason) => {
            tracing::warn!(reason, "the broker blocks publishing; messages stay due");
            Some(true)
        }
        Event::ConnectionUnblocked => {
            tracing::info!("the broker accepts messages again");
            Some(false)
        }
        _ => None,
    }
}

/// Writes a message to the channel; the returned future waits for the confirm. The session bounds both waits.
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
                tracing::warn!(job.id = %job.0, "no queue for the message");
                Ok(Published::Unroutable(job, sequence))
            }
            refused => {
                tracing::warn!(job.id = %job.0, ?refused, "publish refused");
                Ok(Published::Refused)
            }
        }
    })
}
