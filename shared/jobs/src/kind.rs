//! Kinds of jobs, as values.

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
    /// Its name in SQL, queues, metrics and logs: at most 30 lower-case ASCII letters and underscores.
    pub name: &'static str,
    /// The word for one such job in messages to people, e.g. `analysis`.
    pub noun: &'static str,
    /// How often a job is tried.
    pub max_attempts: u16,
    /// The pauses between attempts, unless a handler asks for another.
    pub backoff: Backoff,
    /// Unfinished jobs that one user may have; more are refused.
    pub user_ceiling: u32,
    /// The error codes that metrics name; others count as `other`.
    pub codes: &'static [&'static str],
    /// How many of one user's jobs may be in the broker or at work at once.
    pub share: Share,
    /// What belongs to the transaction that ends jobs of this kind.
    pub endings: Arc<dyn Endings>,
}

impl Kind {
    /// Ten minutes of patience, and nothing to do at a job's end.
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

/// A job that ends in the transaction at hand.
#[derive(Debug, Clone, Copy)]
pub struct EndedJob<'a> {
    /// The job.
    pub job: JobId,
    /// Its owner.
    pub user: UserId,
    /// How it ends.
    pub outcome: &'a Outcome,
    /// What the handler passed on beside the result; it is not stored with the job.
    pub note: Option<&'a Document>,
}

/// What belongs to the transaction that ends jobs of a kind: an event to log, a row to count. It commits with the
/// outcome, or not at all.
pub trait Endings: fmt::Debug + Send + Sync + 'static {
    /// Takes the locks that come before those of jobs. Called first in every transaction that may end jobs, with all the
    /// owners; must lock in one order.
    fn lock<'a>(
        &'a self,
        _conn: &'a mut MySqlConnection,
        _users: &'a BTreeSet<UserId>,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        async { Ok(()) }.boxed()
    }

    /// Writes what follows from the end of `jobs`. Returns for each the topics of its hint ([`crate::job::Changed`]).
    fn ended<'a>(
        &'a self,
        _conn: &'a mut MySqlConnection,
        jobs: &'a [EndedJob<'a>],
    ) -> BoxFuture<'a, Result<Vec<BTreeSet<String>>, sqlx::Error>> {
        async { Ok(vec![BTreeSet::new(); jobs.len()]) }.boxed()
    }
}

/// Endings of a kind that needs none.
#[derive(Debug)]
struct NothingElse;

impl Endings for NothingElse {}

/// The kinds that a program knows, by name. Rows of other kinds are left to programs that know them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kinds {
    namespace: &'static str,
    by_name: Arc<BTreeMap<&'static str, Kind>>,
}

impl Kinds {
    /// Gathers kinds; `namespace` begins the names of their exchange and queues.
    pub fn new(namespace: &'static str, kinds: impl IntoIterator<Item = Kind>) -> Self {
        let by_name = kinds.into_iter().map(|kind| (kind.name, kind)).collect();
        Self { namespace, by_name: Arc::new(by_name) }
    }

    /// The beginning of the names of exchange and queues.
    pub fn namespace(&self) -> &'static str {
        self.namespace
    }

    /// Finds a kind.
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
