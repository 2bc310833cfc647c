//! Taking deliveries from the queue, as many at a time as the window allows.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::sync::{Mutex, watch};
use tokio_util::task::TaskTracker;
use toneup_shared::config::BrokerConfig;
use toneup_shared::queue::connection::{SessionError, answered, supervise};
use toneup_shared::queue::topology::{self, JOBS};
use toneup_shared::shutdown::Shutdown;

use crate::dead::DeadLetters;
use crate::flow::window::Window;
use crate::job::Jobs;

/// Consumes until the process drains; a broken connection is made again.
#[derive(Debug)]
pub(crate) struct Consumer {
    pub(crate) broker: BrokerConfig,
    pub(crate) dead: DeadLetters,
    /// Whether deliveries come.
    pub(crate) ready: watch::Sender<bool>,
    pub(crate) window: Window,
    /// Whether an operator has paused the intake.
    pub(crate) paused: watch::Receiver<bool>,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) shutdown: Shutdown,
}

impl Consumer {
    pub(crate) async fn run(self) {
        let Self { broker, dead, ready, window, paused, jobs, shutdown } = self;
        // One session at a time; the lock only lends these to the next one.
        let lent = Mutex::new((window, paused));
        supervise("toneup consumer", &broker, &shutdown.draining, |connection| async {
            let connection = connection;
            let (window, paused) = &mut *lent.lock().await;
            let mut taking = Taking { window, paused, jobs: &jobs, shutdown: &shutdown };
            let ended = tokio::select! {
                ended = taking.consume(&connection, &ready) => ended,
                ended = dead.collect(&connection) => ended,
            };
            ready.send_replace(false);
            ended
        })
        .await;
    }
}

/// What taking deliveries over one connection needs.
struct Taking<'a> {
    window: &'a mut Window,
    paused: &'a mut watch::Receiver<bool>,
    jobs: &'a Arc<Jobs>,
    shutdown: &'a Shutdown,
}

impl Taking<'_> {
    /// One connection's life: `Ok` once drained, `Err` when the connection or the consumer breaks.
    async fn consume(
        &mut self,
        connection: &Connection,
        ready: &watch::Sender<bool>,
    ) -> Result<(), SessionError> {
        let channel = answered(connection.create_channel()).await?;
        answered(topology::declare(&channel)).await?;
        let running = TaskTracker::new();
        let mut consumer = None;
        loop {
            let paused = *self.paused.borrow_and_update();
            match consumer.take() {
                Some(current) if paused => {
                    tracing::info!(queue = JOBS.name, "paused");
                    self.give_up(&channel, current, &running).await?;
                }
                None if !paused => {
                    consumer = Some(subscribe(&channel, self.window).await?);
                    tracing::info!(queue = JOBS.name, "consuming");
                }
                unchanged => consumer = unchanged,
            }
            ready.send_replace(true);
            tokio::select! {
                biased;
                () = self.shutdown.draining.cancelled() => break,
                () = changed(self.paused) => {}
                () = self.window.changed(), if consumer.is_some() => {
                    // A new qos counts for new consumers only: open the next before the old one goes.
                    let next = subscribe(&channel, self.window).await?;
                    if let Some(old) = consumer.replace(next) {
                        self.give_up(&channel, old, &running).await?;
                    }
                }
                delivery = next(&mut consumer) => {
                    let delivery = delivery.ok_or(SessionError::ConsumerEnded)??;
                    let jobs = Arc::clone(self.jobs);
                    let job = async move { jobs.process(delivery).await };
                    running.spawn(self.shutdown.tasks.track_future(job));
                }
            }
        }
        if let Some(consumer) = consumer {
            answered(channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
        }
        running.close();
        // Settling needs this connection. Jobs have timeouts of their own, and `aborting` ends them all.
        running.wait().await;
        Ok(())
    }

    /// Lets a consumer go, and does what the broker had sent to it already.
    async fn give_up(
        &self,
        channel: &Channel,
        consumer: lapin::Consumer,
        running: &TaskTracker,
    ) -> Result<(), SessionError> {
        answered(channel.basic_cancel(consumer.tag(), BasicCancelOptions::default())).await?;
        let jobs = Arc::clone(self.jobs);
        let rest = consumer.for_each_concurrent(None, move |delivery| {
            let jobs = Arc::clone(&jobs);
            async move {
                if let Ok(delivery) = delivery {
                    jobs.process(delivery).await;
                }
            }
        });
        running.spawn(self.shutdown.tasks.track_future(rest));
        Ok(())
    }
}

/// The next delivery; never while there is no consumer.
async fn next(
    consumer: &mut Option<lapin::Consumer>,
) -> Option<Result<lapin::message::Delivery, lapin::Error>> {
    match consumer {
        Some(consumer) => consumer.next().await,
        None => std::future::pending().await,
    }
}

/// Waits until an operator says otherwise.
async fn changed(paused: &mut watch::Receiver<bool>) {
    if paused.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn subscribe(
    channel: &Channel,
    window: &mut Window,
) -> Result<lapin::Consumer, SessionError> {
    let size = window.size().get();
    answered(channel.basic_qos(size, BasicQosOptions::default())).await?;
    answered(channel.basic_consume(
        JOBS.name.into(),
        "".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    ))
    .await
}
