//! Follows things of one kind: reads them through once, and then what the log says has changed.
//!
//! Entries of the log can become visible out of order. So entries younger than [`SETTLING`] are looked at again, and each is
//! applied once; a transaction notes its changes last and is shorter than that.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::MySqlConnection;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_platform::database::{Database, bounded};
use toneup_platform::retry::Backoff;

use crate::product::ProductId;
use crate::product::changes::{self, SubjectKind};
use crate::product::store::{self, StoredProduct};

/// Age from which an entry of the log cannot be preceded by one that was not visible.
const SETTLING: Duration = Duration::from_secs(10);
/// Pause between two looks at the log.
const PAUSE: Duration = Duration::from_millis(200);
/// Part of the time that looking may take, and the longest pause for that: a large import must not keep later changes waiting.
const SHARE: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Entries read at once.
const PAGE: u32 = 1000;
/// Things read at once.
const AT_ONCE: usize = 500;

/// Where things of one kind are read.
pub trait Source: fmt::Debug + Send + Sync + 'static {
    /// The kind that the log has of them.
    const KIND: SubjectKind;
    /// Their ids, in the order in which all are read, and as the log has them.
    type Id: Copy + Ord + Hash + Default + FromStr + fmt::Debug + Send + Sync;
    /// What is read of one.
    type Item: fmt::Debug + Send + Sync;

    /// The id of what was read.
    fn id(item: &Self::Item) -> Self::Id;

    /// Reads things after `after` in order of their ids, at most `most`; fewer if there are no others.
    fn list(
        conn: &mut MySqlConnection,
        after: Self::Id,
        most: u32,
    ) -> impl Future<Output = Result<Vec<Self::Item>, sqlx::Error>> + Send;

    /// Reads those of the things that are there.
    fn find(
        conn: &mut MySqlConnection,
        ids: &[Self::Id],
    ) -> impl Future<Output = Result<HashMap<Self::Id, Self::Item>, sqlx::Error>> + Send;
}

/// The products of the catalogue.
#[derive(Debug)]
pub struct Products;

impl Source for Products {
    const KIND: SubjectKind = SubjectKind::Product;
    type Id = ProductId;
    type Item = StoredProduct;

    fn id(item: &StoredProduct) -> ProductId {
        item.product.id
    }

    async fn list(
        conn: &mut MySqlConnection,
        after: ProductId,
        most: u32,
    ) -> Result<Vec<StoredProduct>, sqlx::Error> {
        store::list(conn, after, most).await
    }

    async fn find(
        conn: &mut MySqlConnection,
        ids: &[ProductId],
    ) -> Result<HashMap<ProductId, StoredProduct>, sqlx::Error> {
        store::find(conn, ids).await
    }
}

/// Things that have changed.
#[derive(Debug)]
pub struct Batch<S: Source = Products> {
    /// Those that are there, as they are now.
    pub present: Vec<S::Item>,
    /// Those that are not there any more.
    pub gone: Vec<S::Id>,
}

/// Something that keeps a copy of things.
pub trait Consumer<S: Source = Products>: fmt::Debug + Send + Sync {
    /// Takes changes. A thing may come again as it is. Runs on a thread that may block.
    fn apply(&self, batch: &Batch<S>);

    /// Told when everything that is known has been applied, several times a second.
    fn flush(&self) {}
}

/// Things that are to be read again although the log does not name them.
#[derive(Debug)]
pub struct Again<S: Source = Products>(Arc<Mutex<BTreeSet<S::Id>>>);

impl<S: Source> Again<S> {
    /// Has things read again.
    pub fn extend(&self, ids: impl IntoIterator<Item = S::Id>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
    }

    fn take(&self) -> BTreeSet<S::Id> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps consumers up to date.
#[derive(Debug)]
pub struct Follower<S: Source = Products> {
    database: Database,
    consumers: Arc<Vec<Arc<dyn Consumer<S>>>>,
    /// The last entry of which all before are applied.
    low: u64,
    /// Entries after that one which are applied.
    seen: BTreeSet<u64>,
    again: Again<S>,
    caught_up: watch::Sender<bool>,
}

impl<S: Source> Follower<S> {
    /// A follower for these consumers; the receiver is told when they are complete.
    pub fn new(
        database: Database,
        consumers: Vec<Arc<dyn Consumer<S>>>,
    ) -> (Self, watch::Receiver<bool>) {
        let (caught_up, receiver) = watch::channel(false);
        let (consumers, again) = (Arc::new(consumers), Again(Arc::default()));
        let follower =
            Self { database, consumers, low: 0, seen: BTreeSet::new(), again, caught_up };
        (follower, receiver)
    }

    /// Names things that this follower is to read again.
    pub fn again(&self) -> Again<S> {
        Again(Arc::clone(&self.again.0))
    }

    /// Follows until `draining`. What fails is repeated.
    pub async fn run(mut self, draining: CancellationToken) {
        draining.clone().run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        let mut failures = 0;
        let mut is_complete = false;
        loop {
            let begun = Instant::now();
            let step = if is_complete { self.look().await } else { self.read_all().await };
            let pause = match step {
                Ok(()) => {
                    (failures, is_complete) = (0, true);
                    self.caught_up.send_replace(true);
                    (begun.elapsed() * SHARE).clamp(PAUSE, LONGEST_PAUSE)
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "cannot follow what is searched");
                    Backoff::RECONNECT.pause(failures)
                }
            };
            sleep(pause).await;
        }
    }

    /// Reads all things.
    async fn read_all(&mut self) -> Result<(), sqlx::Error> {
        self.low = bounded(async {
            changes::settled(&mut *self.database.acquire().await?, SETTLING).await
        })
        .await?;
        self.seen.clear();
        let mut after = S::Id::default();
        loop {
            let most = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
            let present =
                bounded(async { S::list(&mut *self.database.acquire().await?, after, most).await })
                    .await?;
            let is_last = present.len() < AT_ONCE;
            if let Some(last) = present.last() {
                after = S::id(last);
            }
            self.apply(Batch { present, gone: Vec::new() }).await;
            if is_last {
                self.flush().await;
                return Ok(());
            }
        }
    }

    /// Reads what the log says has changed, and what else is to be read again.
    async fn look(&mut self) -> Result<(), sqlx::Error> {
        let again = self.again.take();
        let looked = self.look_with(&again).await;
        if looked.is_err() {
            self.again.extend(again);
        }
        looked
    }

    async fn look_with(&mut self, again: &BTreeSet<S::Id>) -> Result<(), sqlx::Error> {
        let mut after = self.low;
        let (mut fresh, mut changed) = (Vec::new(), again.clone());
        let mut settled = self.low;
        let mut all_settled = true;
        loop {
            let page = bounded(async {
                changes::read(&mut *self.database.acquire().await?, after, SETTLING, PAGE).await
            })
            .await?;
            for change in &page {
                after = change.id;
                all_settled &= change.is_settled;
                if all_settled {
                    settled = change.id;
                }
                if !self.seen.contains(&change.id) {
                    fresh.push(change.id);
                    let is_followed = change.subject.kind == S::KIND;
                    changed.extend(change.subject.id.parse().ok().filter(|_: &S::Id| is_followed));
                }
            }
            if u32::try_from(page.len()).is_ok_and(|length| length < PAGE) {
                break;
            }
        }
        let changed: Vec<S::Id> = changed.into_iter().collect();
        for ids in changed.chunks(AT_ONCE) {
            let mut found =
                bounded(async { S::find(&mut *self.database.acquire().await?, ids).await }).await?;
            let gone = ids.iter().copied().filter(|id| !found.contains_key(id)).collect();
            let present = ids.iter().filter_map(|id| found.remove(id)).collect();
            self.apply(Batch { present, gone }).await;
        }
        self.flush().await;
        // Only now: what failed before is read again.
        self.seen.extend(fresh);
        self.seen = self.seen.split_off(&(settled + 1));
        self.low = settled;
        Ok(())
    }

    async fn apply(&self, batch: Batch<S>) {
        self.tell(move |consumer| consumer.apply(&batch)).await;
    }

    async fn flush(&self) {
        self.tell(|consumer| consumer.flush()).await;
    }

    async fn tell(&self, each: impl Fn(&dyn Consumer<S>) + Send + 'static) {
        let consumers = Arc::clone(&self.consumers);
        let told = tokio::task::spawn_blocking(move || {
            consumers.iter().for_each(|consumer| each(consumer.as_ref()));
        });
        if let Err(error) = told.await {
            tracing::error!(%error, "a copy of what is searched is incomplete");
        }
    }
}
