//! One writer of likes in each process: toggles that arrive together share a transaction.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::MySqlConnection;
use sqlx::mysql::MySqlDatabaseError;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;
use toneup_notify::notices::{NewNotice, NoticeKind, Told, tell};
use toneup_platform::batch::{BatchError, Batcher, Limits};
use toneup_platform::database::{Database, retry_deadlock};
use toneup_platform::identity::UserId;
use toneup_platform::retry::Backoff;

use super::fold::{Ask, Liked, Wish};
use super::store::apply_resolved;
use super::target::{Found, Origin, Target, TargetKind, TargetName, find, find_blocked};

/// Longest time that a batch is tried again while the database is away.
const LONGEST_BATCH: Duration = Duration::from_secs(20);
/// Timeout of a wish as its user sees it, including the time spent queued.
const LONGEST_WISH: Duration = Duration::from_secs(25);
/// Wishes that wait: everybody who likes one thing at the same moment.
const BACKLOG: usize = 20_000;
/// Pauses while the database is away.
const BACKOFF: Backoff =
    Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) };

/// A wish, as it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toggle {
    /// The thing.
    pub target: TargetName,
    /// Who wants it.
    pub user: UserId,
    /// What they want.
    pub wish: Wish,
}

/// The answer to a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LikeOutcome {
    /// It is so now.
    Done(Liked),
    /// There is no such thing, or none for this user.
    Missing,
}

/// Writes likes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LikeWriter {
    batches: Batcher<Toggle, LikeOutcome, sqlx::Error>,
}

impl LikeWriter {
    /// Starts the writer.
    /// `announce` is given the notices that were written, after their commit.
    pub fn spawn(
        database: Database,
        tasks: &TaskTracker,
        announce: impl Fn(Vec<Told>) + Send + Sync + 'static,
    ) -> Self {
        let announce = Arc::new(announce);
        let limits =
            Limits { writers: 1, timeout: LONGEST_BATCH, backlog: BACKLOG, ..Limits::default() };
        let batches = Batcher::spawn(limits, tasks, move |items: Vec<Toggle>| {
            let (database, announce) = (database.clone(), Arc::clone(&announce));
            async move {
                let (outcomes, told) = write(&database, items).await?;
                announce(told);
                Ok(outcomes)
            }
        });
        Self { batches }
    }

    /// Grants a wish. After an error it is unknown whether it was granted.
    pub async fn submit(&self, toggle: Toggle) -> Result<LikeOutcome, BatchError<sqlx::Error>> {
        timeout(LONGEST_WISH, self.batches.submit(toggle))
            .await
            .unwrap_or(Err(BatchError::TimedOut))
    }
}

/// Writes a batch, and again while the database is away. A repetition asks for what the first try came to, since its
/// commit may have succeeded without an answer: a toggle does not flip back.
async fn write(
    database: &Database,
    items: Vec<Toggle>,
) -> Result<(Vec<LikeOutcome>, Vec<Told>), sqlx::Error> {
    let begun = Instant::now();
    let asked = Arc::new(Mutex::new(items));
    let mut failures = 0;
    loop {
        let written = retry_deadlock(|| {
            database.in_batch(async |conn| {
                let items = asked.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let (outcomes, news) = apply(conn, &items).await?;
                settle(&mut asked.lock().unwrap_or_else(PoisonError::into_inner), &outcomes);
                Ok((outcomes, tell(conn, &news).await?))
            })
        });
        match written.await {
            Err(error) if is_outage(&error) && begun.elapsed() < LONGEST_BATCH => {
                failures += 1;
                tracing::warn!(%error, failures, "likes wait for the database");
                sleep(BACKOFF.pause(failures)).await;
            }
            done => return done,
        }
    }
}

/// Makes toggles what they came to.
fn settle(items: &mut [Toggle], outcomes: &[LikeOutcome]) {
    for (item, outcome) in items.iter_mut().zip(outcomes) {
        if let LikeOutcome::Done(liked) = outcome {
            item.wish = if liked.liked { Wish::Like } else { Wish::Unlike };
        }
    }
}

async fn apply(
    conn: &mut MySqlConnection,
    items: &[Toggle],
) -> Result<(Vec<LikeOutcome>, Vec<NewNotice>), sqlx::Error> {
    let names: HashSet<TargetName> = items.iter().map(|item| item.target).collect();
    let found = find(&mut *conn, &names).await?;
    let pairs = |item: &Toggle| {
        let Origin { owner, host, .. } = found.get(&item.target)?.origin?;
        Some([(item.user, owner), (item.user, host)])
    };
    let pairs: HashSet<(UserId, UserId)> = items.iter().filter_map(pairs).flatten().collect();
    let blocked = find_blocked(&mut *conn, &pairs).await?;
    let allowed: Vec<Option<Ask>> =
        items.iter().map(|item| allow(item, &found, &blocked)).collect();
    let asks: Vec<Ask> = allowed.iter().flatten().copied().collect();
    let (told, added) = apply_resolved(conn, &asks).await?;
    let mut told = told.into_iter();
    let outcome = |ask: &Option<Ask>| match ask.and_then(|_| told.next().flatten()) {
        Some(liked) => LikeOutcome::Done(liked),
        None => LikeOutcome::Missing,
    };
    let outcomes = allowed.iter().map(outcome).collect();
    let by_target: HashMap<Target, Found> =
        found.into_values().map(|found| (found.target, found)).collect();
    let news = added.iter().filter_map(|(target, actor)| {
        let Origin { id, owner, .. } = by_target.get(target)?.origin?;
        let kind = match target.kind {
            TargetKind::Post => NoticeKind::PostLiked,
            TargetKind::Comment => NoticeKind::CommentLiked,
            TargetKind::Product => return None,
        };
        Some(NewNotice { user: owner, kind, subject: id, actor: *actor })
    });
    Ok((outcomes, news.collect()))
}

/// The wish as it is granted; `None` where there is nothing for this user.
fn allow(
    item: &Toggle,
    found: &HashMap<TargetName, Found>,
    blocked: &HashSet<(UserId, UserId)>,
) -> Option<Ask> {
    let Found { target, origin } = *found.get(&item.target)?;
    let is_blocked = |other| blocked.contains(&(item.user, other));
    let is_allowed = origin.is_none_or(|of| !is_blocked(of.owner) && !is_blocked(of.host));
    is_allowed.then_some(Ask { target, user: item.user, wish: item.wish })
}

/// True if the same batch may succeed later: the server is away, or a lock took too long.
fn is_outage(error: &sqlx::Error) -> bool {
    use sqlx::Error as E;
    const ER_CON_COUNT_ERROR: u16 = 1040;
    const ER_SERVER_SHUTDOWN: u16 = 1053;
    const ER_LOCK_WAIT_TIMEOUT: u16 = 1205;
    const ER_LOCK_DEADLOCK: u16 = 1213;
    const ER_QUERY_INTERRUPTED: u16 = 1317;
    match error {
        E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed => true,
        E::Database(error) => error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|error| {
            matches!(
                error.number(),
                ER_CON_COUNT_ERROR
                    | ER_SERVER_SHUTDOWN
                    | ER_LOCK_WAIT_TIMEOUT
                    | ER_LOCK_DEADLOCK
                    | ER_QUERY_INTERRUPTED
            )
        }),
        _ => false,
    }
}
