//! Consumers of the queues: for each kind, as many unacknowledged deliveries as its window allows.

use std::fmt;
use std::sync::Arc;

use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::sync::{Mutex, watch};
use tokio_util::task::TaskTracker;
use toneup_platform::broker::{SessionError, answered, supervise};
use toneup_platform::config::BrokerConfig;
use toneup_platform::shutdown::Shutdown;

use super::Handler;
use super::dead_letters::DeadLetters;
use super::runner::Runner;
use super::window::Window;
use crate::broker::topology;
use crate::kind::Kinds;

/// Subscription to the queue of one kind.
#[derive(Debug)]
pub(super) struct Intake {
    kind: &'static str,
    window: Window,
    runner: Arc<dyn Run>,
}

/// Object-safe interface of a runner.
trait Run: fmt::Debug + Send + Sync + 'static {
    /// Runs the job and acknowledges the delivery.
    fn process(&self, delivery: Delivery) -> BoxFuture<'static, ()>;
}

/// Shared runner, which may outlive the consumer of its deliveries.
#[derive(Debug)]
struct Shared<H>(Arc<Runner<H>>);

impl<H: Handler> Run for Shared<H> {
    fn process(&self, delivery: Delivery) -> BoxFuture<'static, ()> {
        let runner = Arc::clone(&self.0);
        async move { runner.process(delivery).await }.boxed()
    }
}

impl Intake {
    /// Subscribes `runner` to the queue of `kind`, with the prefetch that `window` allows.
    pub(super) fn new<H: Handler>(
        kind: &'static str,
        window: Window,
        runner: Arc<Runner<H>>,
    ) -> Self {
        Self { kind, window, runner: Arc::new(Shared(runner)) }
    }
}

/// Consumes until the process drains; reconnects when the connection breaks.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) broker: BrokerConfig,
    pub(super) kinds: Kinds,
    pub(super) dead: DeadLetters,
    /// True while at least one subscription is active.
    pub(super) ready: watch::Sender<bool>,
    /// True while an operator has paused the intake.
    pub(super) paused: watch::Receiver<bool>,
    pub(super) shutdown: Shutdown,
}

impl Consumer {
    pub(super) async fn run(self, intakes: Vec<Intake>) {
        let Self { broker, kinds, dead, ready, paused, shutdown } = self;
        // One session at a time; the lock only lends these to the next one.
        let lent = Mutex::new(intakes);
        supervise("toneup consumer", &broker, &shutdown.draining, |connection| async {
            let connection = connection;
            let intakes = &mut *lent.lock().await;
            let takings = intakes.iter_mut().map(|intake| {
                let (kinds, ready, paused) = (&kinds, &ready, paused.clone());
                let taking = Taking { intake, kinds, ready, paused, shutdown: &shutdown };
                taking.consume(&connection)
            });
            let ended = tokio::select! {
                ended = try_join_all(takings) => ended.map(drop),
                ended = dead.collect(&connection) => ended,
            };
            ready.send_replace(false);
            ended
        })
        .await;
    }
}

/// Consumer of one kind's queue on one connection.
struct Taking<'a> {
    intake: &'a mut Intake,
    kinds: &'a Kinds,
    ready: &'a watch::Sender<bool>,
    paused: watch::Receiver<bool>,
    shutdown: &'a Shutdown,
}

impl Taking<'_> {
    /// Consumes over one connection: `Ok` once drained, `Err` when the connection or the consumer breaks.
    async fn consume(mut self, connection: &Connection) -> Result<(), SessionError> {
        let channel = answered(connection.create_channel()).await?;
        answered(topology::declare(&channel, self.kinds)).await?;
        let queue = topology::jobs_queue(self.kinds, self.intake.kind);
        let running = TaskTracker::new();
        let mut consumer = None;
        loop {
            let paused = *self.paused.borrow_and_update();
            match consumer.take() {
                Some(current) if paused => {
                    tracing::info!(queue, "paused");
                    self.give_up(&channel, current, &running).await?;
                }
                None if !paused => {
                    consumer = Some(subscribe(&channel, &queue, &mut self.intake.window).await?);
                    tracing::info!(queue, "consuming");
                }
                unchanged => consumer = unchanged,
            }
            self.ready.send_replace(true);
            tokio::select! {
                biased;
                () = self.shutdown.draining.cancelled() => break,
                () = changed(&mut self.paused) => {}
                () = self.intake.window.changed(), if consumer.is_some() => {
                    // `basic.qos` applies to new consumers only: open the next before the old one is cancelled.
                    let next = subscribe(&channel, &queue, &mut self.intake.window).await?;
                    if let Some(old) = consumer.replace(next) {
                        self.give_up(&channel, old, &running).await?;
                    }
                }
                delivery = next(&mut consumer) => {
                    let delivery = delivery.ok_or(SessionError::ConsumerEnded)??;
                    let job = self.intake.runner.process(delivery);
                    running.spawn(self.shutdown.tasks.track_future(job));
                }
            }
        }
        if let Some(consumer) = consumer {
            answered(channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
        }
        running.close();
        // Acknowledging needs this connection. Jobs have timeouts of their own, and `aborting` ends them all.
        running.wait().await;
        Ok(())
    }

    /// Cancels a consumer, and processes the deliveries that the broker had already sent to it.
    async fn give_up(
        &self,
        channel: &Channel,
        consumer: lapin::Consumer,
        running: &TaskTracker,
    ) -> Result<(), SessionError> {
        answered(channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
        let runner = Arc::clone(&self.intake.runner);
        let rest = consumer.for_each_concurrent(None, move |delivery| {
            let runner = Arc::clone(&runner);
            async move {
                if let Ok(delivery) = delivery {
                    runner.process(delivery).await;
                }
            }
        });
        running.spawn(self.shutdown.tasks.track_future(rest));
        Ok(())
    }
}

/// Waits for the next delivery; forever while there is no consumer.
async fn next(
    consumer: &mut Option<lapin::Consumer>,
) -> Option<Result<lapin::message::Delivery, lapin::Error>> {
    match consumer {
        Some(consumer) => consumer.next().await,
        None => std::future::pending().await,
    }
}

/// Waits for the intake switch to change.
async fn changed(paused: &mut watch::Receiver<bool>) {
    if paused.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn subscribe(
    channel: &Channel,
    queue: &str,
    window: &mut Window,
) -> Result<lapin::Consumer, SessionError> {
    let size = window.size().get();
    answered(channel.basic_qos(size, BasicQosOptions::default())).await?;
    answered(channel.basic_consume(
        queue.into(),
        "".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    ))
    .await
}
