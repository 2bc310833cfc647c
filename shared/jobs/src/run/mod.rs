//! Running jobs: deliveries are claimed, handed to the kind's [`Handler`], and acknowledged once their outcome is
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

/// What runs the jobs of one kind.
pub trait Handler: fmt::Debug + Send + Sync + 'static {
    /// Makes one attempt. Every job may run twice: after a crash, or when a worker was cut off. The future is dropped
    /// when the lease is lost (a cancelled job, for example) or the deadline passes.
    fn run(&self, job: &Claimed) -> impl Future<Output = Attempt> + Send;
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub enum Attempt {
    /// With a result.
    Succeeded {
        /// The result that is stored.
        result: Document,
        /// What is passed on to [`crate::kind::Endings::ended`], and not stored with the job.
        note: Option<Document>,
    },
    /// With an error that another attempt cannot mend.
    Failed(JobError),
    /// With an error that another attempt may not meet.
    FailedForNow {
        /// The error, if this was the last attempt.
        error: JobError,
        /// The pause until the next attempt; `None`: as the kind's backoff says.
        retry_after: Option<Duration>,
    },
    /// Not at all, and through no fault of the job: another worker shall have it at once.
    HandedBack,
}

/// The workers of one process: a handler for each kind that it runs.
#[derive(Debug)]
pub struct Workers {
    engine: Engine,
    leases: LeaseKeeper,
    intakes: Vec<Intake>,
    shutdown: Shutdown,
}

impl Workers {
    /// Prepares to run jobs; nothing needs to be reachable yet.
    pub fn new(engine: Engine, redis: &RedisConfig, shutdown: &Shutdown) -> Self {
        let (database, lease) = (engine.database.clone(), engine.config.job_lease);
        let leases = LeaseKeeper::spawn(database, redis, lease, shutdown);
        Self { engine, leases, intakes: Vec::new(), shutdown: shutdown.clone() }
    }

    /// Adds the handler of a kind; `window` bounds the jobs that it has in hand.
    pub fn add(&mut self, kind: &Kind, handler: impl Handler, window: Window) {
        let runner = Runner {
            kind: kind.clone(),
            settlements: Settlements::spawn(self.engine.clone(), kind, &self.shutdown),
            leases: self.leases.clone(),
            handler,
            aborting: self.shutdown.aborting.clone(),
        };
        self.intakes.push(Intake::new(kind.name, window, Arc::new(runner)));
    }

    /// Consumes until `shutdown` drains, except while `paused`; also collects dead letters. Returns whether it consumes.
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
