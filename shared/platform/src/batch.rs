//! Group commit: each caller submits one item, and one round trip to the database writes many.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::task::TaskTracker;

/// Bounds on the size, delay and number of batches.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most items in one batch.
    pub size: usize,
    /// Longest time that an item waits for others. It does not wait at all if no batch is in flight.
    pub linger: Duration,
    /// Most batches written concurrently.
    pub writers: usize,
    /// Timeout of one batch.
    pub timeout: Duration,
    /// Most items waiting to be written; beyond it callers get [`BatchError::Full`].
    pub backlog: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            size: 256,
            linger: Duration::from_millis(2),
            writers: 2,
            timeout: Duration::from_secs(5),
            backlog: 4096,
        }
    }
}

/// Reason why an item is not known to be written.
#[derive(Debug, thiserror::Error)]
pub enum BatchError<E> {
    /// Too many items are waiting; this one was not accepted.
    #[error("too many items are waiting to be written")]
    Full,
    /// The process is ending; this item may or may not have been written.
    #[error("the process is ending")]
    Closed,
    /// The batch timed out; it may or may not have been written.
    #[error("the batch took too long")]
    TimedOut,
    /// Writing the batch panicked; it may or may not have been written.
    #[error("the batch's write panicked")]
    Panicked,
    /// The batch failed as a whole.
    #[error("{0}")]
    Failed(Arc<E>),
}

impl<E> Clone for BatchError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            Self::Closed => Self::Closed,
            Self::TimedOut => Self::TimedOut,
            Self::Panicked => Self::Panicked,
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
        }
    }
}

type Waiter<O, E> = oneshot::Sender<Result<O, BatchError<E>>>;

/// Handle of the task that gathers items and writes them. Cheap to clone.
#[derive(Debug)]
pub struct Batcher<I, O, E> {
    items: mpsc::Sender<(I, Waiter<O, E>)>,
}

impl<I, O, E> Clone for Batcher<I, O, E> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone() }
    }
}

impl<I, O, E> Batcher<I, O, E>
where
    I: Send + 'static,
    O: Send + 'static,
    E: Send + Sync + 'static,
{
    /// Starts the gathering task, which ends when the last handle is dropped. `write` gets a batch and returns an
    /// output for each item, in the same order.
    pub fn spawn<F, W>(limits: Limits, tasks: &TaskTracker, write: W) -> Self
    where
        F: Future<Output = Result<Vec<O>, E>> + Send + 'static,
        W: Fn(Vec<I>) -> F + Send + 'static,
    {
        let (items, queue) = mpsc::channel(limits.backlog);
        tasks.spawn(gather(limits, queue, write));
        Self { items }
    }

    /// Submits one item and waits until it is written. Dropping the future does not withdraw the item.
    pub async fn submit(&self, item: I) -> Result<O, BatchError<E>> {
        let (waiter, written) = oneshot::channel();
        self.items.try_send((item, waiter)).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => BatchError::Full,
            mpsc::error::TrySendError::Closed(_) => BatchError::Closed,
        })?;
        written.await.unwrap_or(Err(BatchError::Closed))
    }
}

/// Forms batches until every handle is dropped and everything is written.
async fn gather<I, O, E, F, W>(
    limits: Limits,
    mut queue: mpsc::Receiver<(I, Waiter<O, E>)>,
    write: W,
) where
    F: Future<Output = Result<Vec<O>, E>> + Send + 'static,
    W: Fn(Vec<I>) -> F,
{
    let mut in_flight = FuturesUnordered::new();
    let mut batch = Vec::new();
    let mut ready_at = Instant::now();
    let mut open = true;
    while open || !batch.is_empty() || !in_flight.is_empty() {
        let room = limits.size - batch.len();
        let may_write = !batch.is_empty() && in_flight.len() < limits.writers;
        if may_write && (in_flight.is_empty() || room == 0 || Instant::now() >= ready_at) {
            let (items, waiters): (Vec<I>, Vec<_>) = std::mem::take(&mut batch).into_iter().unzip();
            let writing = AssertUnwindSafe(write(items)).catch_unwind();
            let written = timeout(limits.timeout, writing);
            in_flight.push(async move { answer(waiters, written.await) });
            continue;
        }
        tokio::select! {
            Some(()) = in_flight.next() => {}
            taken = queue.recv_many(&mut batch, room), if open && room > 0 => {
                open = taken > 0;
                if taken == batch.len() {
                    ready_at = Instant::now() + limits.linger;
                }
            }
            () = sleep_until(ready_at), if may_write => {}
        }
    }
}

/// Passes each caller the output of its item. A caller that has gone is ignored.
fn answer<O, E>(
    waiters: Vec<Waiter<O, E>>,
    written: Result<std::thread::Result<Result<Vec<O>, E>>, tokio::time::error::Elapsed>,
) {
    let failure = match written {
        Ok(Ok(Ok(answers))) => {
            for (waiter, answer) in waiters.into_iter().zip(answers) {
                drop(waiter.send(Ok(answer)));
            }
            return;
        }
        Ok(Ok(Err(error))) => BatchError::Failed(Arc::new(error)),
        // The hook has logged where.
        Ok(Err(_)) => BatchError::Panicked,
        Err(_) => BatchError::TimedOut,
    };
    for waiter in waiters {
        drop(waiter.send(Err(failure.clone())));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    type Sizes = Arc<Mutex<Vec<usize>>>;

    const COMMIT: Duration = Duration::from_millis(10);

    /// A batcher that doubles numbers, and the sizes of the batches it wrote.
    fn doubling(limits: Limits) -> (Batcher<u32, u32, String>, Sizes) {
        let sizes = Sizes::default();
        let seen = Arc::clone(&sizes);
        let batcher = Batcher::spawn(limits, &TaskTracker::new(), move |items: Vec<u32>| {
            seen.lock().unwrap().push(items.len());
            async move {
                sleep(COMMIT).await;
                assert!(!items.contains(&666), "a bug");
                if items.contains(&13) {
                    return Err("unlucky".to_owned());
                }
                Ok(items.into_iter().map(|n| n * 2).collect())
            }
        });
        (batcher, sizes)
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_alone_does_not_wait_for_company() {
        let (batcher, _) = doubling(Limits { linger: Duration::from_secs(9), ..Limits::default() });
        let begun = Instant::now();
        assert_eq!(batcher.submit(21).await.unwrap(), 42);
        assert_eq!(begun.elapsed(), COMMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn items_that_arrive_together_share_a_batch_and_keep_their_answers() {
        let limits = Limits { writers: 1, size: 64, ..Limits::default() };
        let (batcher, sizes) = doubling(limits);
        let answers = join_all((0..200).filter(|n| *n != 13).map(|n| batcher.submit(n))).await;
        let answers: Vec<u32> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, (0..200).filter(|n| *n != 13).map(|n| n * 2).collect::<Vec<_>>());
        assert!(sizes.lock().unwrap().len() <= 5, "{sizes:?}");
        assert!(sizes.lock().unwrap().iter().all(|size| *size <= 64), "{sizes:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_failed_or_panicked_tells_every_caller_and_the_next_one_is_fresh() {
        let (batcher, _) = doubling(Limits::default());
        assert!(matches!(batcher.submit(13).await, Err(BatchError::Failed(_))));
        assert!(matches!(batcher.submit(666).await, Err(BatchError::Panicked)));
        assert_eq!(batcher.submit(1).await.unwrap(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_hangs_and_a_backlog_that_overflows_are_told_apart() {
        let limits =
            Limits { timeout: COMMIT / 2, backlog: 1, writers: 1, size: 1, ..Limits::default() };
        let (batcher, _) = doubling(limits);
        let answers = join_all((0..3).map(|n| batcher.submit(n))).await;
        assert!(answers.iter().any(|answer| matches!(answer, Err(BatchError::TimedOut))));
        assert!(answers.iter().any(|answer| matches!(answer, Err(BatchError::Full))));
    }
}
