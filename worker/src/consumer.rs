//! Taking deliveries from the queue, as many at a time as the window allows.

use std::sync::Arc;

use futures_util::StreamExt;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::sync::Mutex;
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
    pub(crate) window: Window,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) shutdown: Shutdown,
}

impl Consumer {
    pub(crate) async fn run(self) {
        let Self { broker, dead, window, jobs, shutdown } = self;
        // One session at a time; the lock only lends the window to the next one.
        let window = Mutex::new(window);
        supervise("toneup consumer", &broker.amqp_url, &shutdown.draining, |connection| async {
            let connection = connection;
            let mut window = window.lock().await;
            tokio::select! {
                ended = consume(&connection, &mut window, &jobs, &shutdown) => ended,
                ended = dead.collect(&connection) => ended,
            }
        })
        .await;
    }
}

/// One connection's life: `Ok` once drained, `Err` when the connection or the consumer breaks.
async fn consume(
    connection: &Connection,
    window: &mut Window,
    jobs: &Arc<Jobs>,
    shutdown: &Shutdown,
) -> Result<(), SessionError> {
    let channel = answered(connection.create_channel()).await?;
    answered(topology::declare(&channel)).await?;
    let mut deliveries = subscribe(&channel, window).await?;
    tracing::info!(queue = JOBS.name, "consuming");

    let running = TaskTracker::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.draining.cancelled() => break,
            () = window.changed() => {
                // A new qos counts for new consumers only: open the next before the old one goes.
                let old = std::mem::replace(&mut deliveries, subscribe(&channel, window).await?);
                answered(channel.basic_cancel(old.tag(), BasicCancelOptions::default())).await?;
                // What the broker had sent to the old consumer already.
                let jobs = Arc::clone(jobs);
                let rest = old.for_each_concurrent(None, move |delivery| {
                    let jobs = Arc::clone(&jobs);
                    async move {
                        if let Ok(delivery) = delivery {
                            jobs.process(delivery).await;
                        }
                    }
                });
                running.spawn(shutdown.tasks.track_future(rest));
            }
            delivery = deliveries.next() => {
                let delivery = delivery.ok_or(SessionError::ConsumerEnded)??;
                let jobs = Arc::clone(jobs);
                let job = async move { jobs.process(delivery).await };
                running.spawn(shutdown.tasks.track_future(job));
            }
        }
    }
    answered(channel.basic_cancel(deliveries.tag(), BasicCancelOptions::default())).await?;
    running.close();
    // Settling needs this connection. Jobs have timeouts of their own, and `aborting` ends them all.
    running.wait().await;
    Ok(())
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
