//! Execution of jobs: deliveries are claimed, passed to the kind's [`Handler`], and acknowledged once their outcome is
//! committed.

mod consumer;
mod dead_letters;
mod lease_keeper;
mod runner;
mod settlements;
mod window;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use toneup_platform::config::{BrokerConfig, RedisConfig};
use toneup_platform::shutdown::Shutdown;

use self::consumer::{Consumer, Intake};
use self::lease_keeper::LeaseKeeper;
use self::runner::Runner;
use self::settlements::Settlements;
pub use self::window::Window;
use crate::document::Document;
use crate::engine::Engine;
use crate::kind::Kind;
use crate::outcome::JobError;
use crate::store::claim::Claimed;

/// Handler of the jobs of one kind.
pub trait Handler: fmt::Debug + Send + Sync + 'static {
    /// Runs one attempt. Every job may run twice: after a crash, or when a worker lost its connection. The future is
    /// dropped when the lease is lost (a cancelled job, for example) or the deadline passes.
    fn run(&self, job: &Claimed) -> impl Future<Output = Attempt> + Send;
}

/// Outcome of an attempt.
#[derive(Debug, Clone)]
pub enum Attempt {
    /// Succeeded, with a result.
    Succeeded {
        /// Result to store with the job.
        result: Document,
        /// Note for [`crate::kind::Endings::ended`], not stored with the job.
        note: Option<Document>,
    },
    /// Failed with an error that another attempt cannot fix.
    Failed(JobError),
    /// Failed with an error that another attempt may avoid.
    FailedForNow {
        /// Error of the job if this was the last attempt.
        error: JobError,
        /// Delay until the next attempt; `None`: as the kind's backoff says.
        retry_after: Option<Duration>,
    },
    /// Not completed for no fault of the job, for example while draining: the job is requeued at once and loses no
    /// attempt.
    HandedBack,
}

/// Workers of one process: a handler for each kind that it runs.
#[derive(Debug)]
pub struct Workers {
    engine: Engine,
    leases: LeaseKeeper,
    intakes: Vec<Intake>,
    shutdown: Shutdown,
}

impl Workers {
    /// Creates the workers; no server needs to be reachable yet. Fails if the URL of Redis is invalid.
    pub fn new(engine: Engine, redis: &RedisConfig, shutdown: &Shutdown) -> Self {
        let (database, lease) = (engine.database.clone(), engine.config.job_lease);
        let leases = LeaseKeeper::spawn(database, redis, lease, shutdown);
        Self { engine, leases, intakes: Vec::new(), shutdown: shutdown.clone() }
    }

    /// Adds the handler of a kind; `window` bounds its unacknowledged deliveries.
    pub fn add(&mut self, kind: &Kind, handler: impl Handler, window: Window) {
        let runner = Runner {
            kind: kind.clone(),
            settlements: Settlements::spawn(self.engine.clone(), kind, &self.shutdown),
            leases: self.leases.clone(),
            handler,
            aborting: self.shutdown.aborting.clone(),
            hold_limit: self.engine.config.job_hold_limit,
        };
        self.intakes.push(Intake::new(kind.name, window, Arc::new(runner)));
    }

    /// Consumes until `shutdown` drains, except while `paused`; also collects dead letters. The returned channel is
    /// `true` while it consumes.
    pub fn spawn(
        self,
        broker: BrokerConfig,
        paused: watch::Receiver<bool>,
    ) -> watch::Receiver<bool> {
        let (set_ready, ready) = watch::channel(false);
        let consumer = Consumer {
            broker,
            kinds: self.engine.kinds.clone(),
            dead: dead_letters::DeadLetters { engine: self.engine },
            ready: set_ready,
            paused,
            shutdown: self.shutdown.clone(),
        };
        self.shutdown.tasks.spawn(consumer.run(self.intakes));
        ready
    }
}
