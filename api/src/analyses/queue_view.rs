//! Where an analysis stands in the queue, from a picture of it that is about a second old: one query for any number of
//! clients, and none while nobody asks.

use std::sync::Arc;
use std::time::Duration;

use sqlx::MySqlPool;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use toneup_shared::analyses::AnalysisId;
use toneup_shared::analyses::read::{list_queue, measure_load};
use toneup_shared::shutdown::Shutdown;

/// How far a position is counted; behind it, it is unknown.
const DEPTH: u32 = 10_000;
/// How old the picture may get while someone asks.
const FRESH: Duration = Duration::from_secs(1);
const READ_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a queued analysis stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// 1 is next.
    pub position: u64,
    /// Seconds until it has probably been served; `None` while the rate is not known.
    pub wait_seconds: Option<f64>,
}

#[derive(Debug, Default)]
struct Picture {
    queued: Vec<AnalysisId>,
    /// Seconds between two analyses that end.
    interval_seconds: Option<f64>,
}

impl Picture {
    fn place(&self, id: AnalysisId) -> Option<Place> {
        let position = u32::try_from(self.queued.binary_search(&id).ok()?).ok()? + 1;
        let wait_seconds = self.interval_seconds.map(|interval| f64::from(position) * interval);
        Some(Place { position: position.into(), wait_seconds })
    }
}

/// The queue as of about a second ago. Cheap to clone.
#[derive(Debug, Clone)]
pub struct QueueView {
    picture: watch::Receiver<Arc<Picture>>,
    asked: Arc<Notify>,
}

impl QueueView {
    /// Starts the task that takes the pictures.
    pub fn spawn(pool: MySqlPool, shutdown: &Shutdown) -> Self {
        let (sender, picture) = watch::channel(Arc::default());
        let asked = Arc::new(Notify::new());
        let (wanted, draining) = (Arc::clone(&asked), shutdown.draining.clone());
        shutdown.tasks.spawn(async move {
            while draining.run_until_cancelled(wanted.notified()).await.is_some() {
                match timeout(READ_TIMEOUT, take_picture(&pool)).await {
                    Ok(Ok(picture)) => drop(sender.send_replace(Arc::new(picture))),
                    Ok(Err(error)) => tracing::warn!(%error, "cannot read the queue"),
                    Err(_) => tracing::warn!("reading the queue took too long"),
                }
                draining.run_until_cancelled(sleep(FRESH)).await;
            }
        });
        Self { picture, asked }
    }

    /// Where a queued analysis stood in the last picture, and asks for a newer one.
    pub fn place(&self, id: AnalysisId) -> Option<Place> {
        self.asked.notify_one();
        self.picture.borrow().place(id)
    }
}

async fn take_picture(pool: &MySqlPool) -> Result<Picture, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let queued = list_queue(&mut connection, DEPTH).await?;
    let load = measure_load(&mut connection).await?;
    // Little's law: `running` at a time, each for `mean_seconds`. An idle system serves at least one.
    let running = f64::from(u32::try_from(load.running).unwrap_or(u32::MAX).max(1));
    Ok(Picture { queued, interval_seconds: load.mean_seconds.map(|mean| mean / running) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_order_of_submission() {
        let queued: Vec<AnalysisId> = (0..3).map(|_| AnalysisId::generate()).collect();
        let picture = Picture { queued: queued.clone(), interval_seconds: Some(2.0) };
        let place = picture.place(queued[2]).unwrap();
        assert_eq!(place, Place { position: 3, wait_seconds: Some(6.0) });
        assert_eq!(picture.place(AnalysisId::generate()), None);
    }

    #[test]
    fn without_a_rate_the_wait_is_unknown() {
        let id = AnalysisId::generate();
        let picture = Picture { queued: vec![id], interval_seconds: None };
        assert_eq!(picture.place(id), Some(Place { position: 1, wait_seconds: None }));
    }
}
