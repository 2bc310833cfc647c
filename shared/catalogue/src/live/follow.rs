//! Follows the catalogue: reads it through once, and then what the log says has changed.
//!
//! Entries of the log can become visible out of order. So entries younger than [`SETTLING`] are looked at again, and each is
//! applied once; a transaction notes its changes last and is shorter than that.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toneup_platform::database::{Database, bounded};
use toneup_platform::retry::Backoff;

use crate::product::ProductId;
use crate::product::changes::{self, Subject, SubjectKind};
use crate::product::store::{self, StoredProduct};

/// Age from which an entry of the log cannot be preceded by one that was not visible.
const SETTLING: Duration = Duration::from_secs(10);
/// Pause between two looks at the log.
const PAUSE: Duration = Duration::from_millis(200);
/// Part of the time that looking may take.
const SHARE: u32 = 5;
/// Entries read at once.
const PAGE: u32 = 1000;
/// Products read at once.
const PRODUCTS: usize = 500;

/// Products that have changed.
#[derive(Debug, Default)]
pub struct Batch {
    /// Those that are there, as they are now.
    pub present: Vec<StoredProduct>,
    /// Those that are not there any more.
    pub gone: Vec<ProductId>,
}

/// Something that keeps a copy of products.
pub trait Consumer: fmt::Debug + Send + Sync {
    /// Takes changes. A product may come again as it is. Runs on a thread that may block.
    fn apply(&self, batch: &Batch);

    /// Told when everything that is known has been applied, several times a second.
    fn flush(&self) {}
}

/// Keeps consumers up to date.
#[derive(Debug)]
pub struct Follower {
    database: Database,
    consumers: Arc<Vec<Arc<dyn Consumer>>>,
    /// The last entry of which all before are applied.
    low: u64,
    /// Entries after that one which are applied.
    seen: BTreeSet<u64>,
    caught_up: watch::Sender<bool>,
}

impl Follower {
    /// A follower for these consumers; the receiver is told when they are complete.
    pub fn new(
        database: Database,
        consumers: Vec<Arc<dyn Consumer>>,
    ) -> (Self, watch::Receiver<bool>) {
        let (caught_up, receiver) = watch::channel(false);
        let consumers = Arc::new(consumers);
        let follower = Self { database, consumers, low: 0, seen: BTreeSet::new(), caught_up };
        (follower, receiver)
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
                    PAUSE.max(begun.elapsed() * SHARE)
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "cannot follow the catalogue");
                    Backoff::RECONNECT.pause(failures)
                }
            };
            sleep(pause).await;
        }
    }

    /// Reads all products.
    async fn read_all(&mut self) -> Result<(), sqlx::Error> {
        self.low = bounded(async {
            changes::settled(&mut *self.database.acquire().await?, SETTLING).await
        })
        .await?;
        self.seen.clear();
        let mut after = ProductId(0);
        loop {
            let most = u32::try_from(PRODUCTS).unwrap_or(u32::MAX);
            let present = bounded(async {
                store::list(&mut *self.database.acquire().await?, after, most).await
            })
            .await?;
            let is_last = present.len() < PRODUCTS;
            if let Some(last) = present.last() {
                after = last.product.id;
            }
            self.apply(Batch { present, gone: Vec::new() }).await;
            if is_last {
                self.flush().await;
                return Ok(());
            }
        }
    }

    /// Reads what the log says has changed.
    async fn look(&mut self) -> Result<(), sqlx::Error> {
        let mut after = self.low;
        let (mut fresh, mut changed) = (Vec::new(), HashSet::new());
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
                    changed.extend(product(&change.subject));
                }
            }
            if u32::try_from(page.len()).is_ok_and(|length| length < PAGE) {
                break;
            }
        }
        let changed: Vec<ProductId> = changed.into_iter().collect();
        for ids in changed.chunks(PRODUCTS) {
            let mut found =
                bounded(async { store::find(&mut *self.database.acquire().await?, ids).await })
                    .await?;
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

    async fn apply(&self, batch: Batch) {
        self.tell(move |consumer| consumer.apply(&batch)).await;
    }

    async fn flush(&self) {
        self.tell(|consumer| consumer.flush()).await;
    }

    async fn tell(&self, each: impl Fn(&dyn Consumer) + Send + 'static) {
        let consumers = Arc::clone(&self.consumers);
        let told = tokio::task::spawn_blocking(move || {
            consumers.iter().for_each(|consumer| each(consumer.as_ref()));
        });
        if let Err(error) = told.await {
            tracing::error!(%error, "a copy of the catalogue is incomplete");
        }
    }
}

fn product(subject: &Subject) -> Option<ProductId> {
    (subject.kind == SubjectKind::Product).then(|| subject.id.parse().ok().map(ProductId))?
}
