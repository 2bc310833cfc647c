//! Kinds of jobs: limits, retry rules and hooks, as values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::MySqlConnection;
use toneup_platform::identity::UserId;
use toneup_platform::retry::Backoff;

use crate::document::Document;
use crate::job::JobId;
use crate::outcome::Outcome;
use crate::share::Share;

/// One kind of job. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Name in SQL, queues, metrics and logs: at most 30 lower-case ASCII letters and underscores.
    pub name: &'static str,
    /// Noun for one such job in messages to users, e.g. `analysis`.
    pub noun: &'static str,
    /// Maximum number of attempts.
    pub max_attempts: u16,
    /// Delays between attempts, unless a handler asks for another.
    pub backoff: Backoff,
    /// Maximum of one user's unfinished jobs; more are refused.
    pub user_ceiling: u32,
    /// Error codes that are label values of metrics; all others count as `other`.
    pub codes: &'static [&'static str],
    /// Maximum of one user's jobs in the broker or running at once; more are held.
    pub share: Share,
    /// Hook into the transaction that ends jobs of this kind.
    pub endings: Arc<dyn Endings>,
}

impl Kind {
    /// Creates a kind with default limits and without [`Endings`].
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            noun: "job",
            max_attempts: 5,
            backoff: Backoff { first: Duration::from_secs(2), longest: Duration::from_mins(1) },
            user_ceiling: 1000,
            codes: &[],
            share: Share::default(),
            endings: Arc::new(NothingElse),
        }
    }
}

/// A job that ends in the current transaction.
#[derive(Debug, Clone, Copy)]
pub struct EndedJob<'a> {
    /// Identifier of the job.
    pub job: JobId,
    /// Owner of the job.
    pub user: UserId,
    /// Input of the handler.
    pub payload: &'a Document,
    /// Outcome of the job.
    pub outcome: &'a Outcome,
    /// Note that the handler passed on with the result; it is not stored with the job.
    pub note: Option<&'a Document>,
}

/// Hook into the transaction that ends jobs of a kind, for example to log an event. Its writes commit together with the
/// outcome or not at all.
pub trait Endings: fmt::Debug + Send + Sync + 'static {
    /// Takes the locks that precede those of jobs. Called first in every transaction that may end jobs, with all the
    /// owners; must lock in a fixed order.
    fn lock<'a>(
        &'a self,
        _conn: &'a mut MySqlConnection,
        _users: &'a BTreeSet<UserId>,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        async { Ok(()) }.boxed()
    }

    /// Writes the consequences of the end of `jobs`. Returns the topics of each job's hint ([`crate::job::Changed`]).
    fn ended<'a>(
        &'a self,
        _conn: &'a mut MySqlConnection,
        jobs: &'a [EndedJob<'a>],
    ) -> BoxFuture<'a, Result<Vec<BTreeSet<String>>, sqlx::Error>> {
        async { Ok(vec![BTreeSet::new(); jobs.len()]) }.boxed()
    }
}

/// Implementation of [`Endings`] without effect.
#[derive(Debug)]
struct NothingElse;

impl Endings for NothingElse {}

/// The kinds of jobs that a program knows, by name. It ignores rows of other kinds. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kinds {
    namespace: &'static str,
    by_name: Arc<BTreeMap<&'static str, Kind>>,
}

impl Kinds {
    /// Creates the set; `namespace` prefixes the names of their exchange and queues.
    pub fn new(namespace: &'static str, kinds: impl IntoIterator<Item = Kind>) -> Self {
        let by_name = kinds.into_iter().map(|kind| (kind.name, kind)).collect();
        Self { namespace, by_name: Arc::new(by_name) }
    }

    /// The beginning of the names of exchange and queues.
    pub fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// Returns the kind of this name; `None` if it is unknown.
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.by_name.get(name)
    }

    /// All kinds, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.by_name.values()
    }

    /// The names of all kinds, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }
}
