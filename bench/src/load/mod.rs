//! Load generator: clients that submit, wait for the result, and record the times.

pub(crate) mod signer;
pub mod target;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::measure::percentiles::Sorted;

pub use self::target::{Direct, Photo, Target, User};

/// One job as seen by its client. Times in milliseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// Time of sending.
    pub sent_ms: f64,
    /// Time of acceptance; for a held request, the time of sending.
    pub accepted_ms: Option<f64>,
    /// Time at which the client received the result.
    pub finished_ms: Option<f64>,
    /// Reason why there is no result.
    pub failure: Option<String>,
    /// Number of responses that asked the client to retry later.
    pub throttled: u32,
}

/// All jobs of a run.
#[derive(Debug, Clone, Default)]
pub struct Jobs(pub Vec<Job>);

impl Jobs {
    /// Times at which jobs were accepted.
    pub fn accepted(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().filter_map(|job| job.accepted_ms)
    }

    /// Number of jobs that ended without a result, or were refused.
    pub fn failures(&self) -> usize {
        self.0.iter().filter(|job| job.failure.is_some()).count()
    }

    /// Reason of the first failure, for display.
    pub fn a_failure(&self) -> Option<&str> {
        self.0.iter().find_map(|job| job.failure.as_deref())
    }

    /// Number of jobs with a result.
    pub fn finished(&self) -> usize {
        self.0.iter().filter(|job| job.finished_ms.is_some()).count()
    }

    /// Number of jobs that had not ended when the run stopped waiting.
    pub fn unfinished(&self) -> usize {
        self.0.len() - self.finished() - self.failures()
    }

    /// Milliseconds from sending to acceptance.
    pub fn submit_times(&self) -> Sorted {
        Sorted::new(self.0.iter().filter_map(|job| Some(job.accepted_ms? - job.sent_ms)))
    }

    /// Milliseconds from sending to the result.
    pub fn end_to_end(&self) -> Sorted {
        Sorted::new(self.0.iter().filter_map(|job| Some(job.finished_ms? - job.sent_ms)))
    }

    /// Time of the last result.
    pub fn last_finished(&self) -> Option<f64> {
        self.0.iter().filter_map(|job| job.finished_ms).max_by(f64::total_cmp)
    }

    /// Time of the first submit.
    pub fn first_sent(&self) -> Option<f64> {
        self.0.iter().map(|job| job.sent_ms).min_by(f64::total_cmp)
    }
}

/// Closed loop: `users` clients for `duration`, each submitting, waiting for the result and pausing in turn.
pub async fn closed(
    target: &Arc<Target>,
    users: usize,
    pause: Duration,
    duration: Duration,
) -> Jobs {
    let end = Instant::now() + duration;
    // What is under way at the end is waited for: a slow answer is not left out of the percentiles.
    let give_up = end + Duration::from_secs(90);
    let mut clients = JoinSet::new();
    for user in 0..users {
        let target = Arc::clone(target);
        clients.spawn(async move {
            let mut jobs = Vec::new();
            while Instant::now() < end {
                jobs.push(target.run(user, give_up).await);
                sleep(pause).await;
            }
            jobs
        });
    }
    Jobs(clients.join_all().await.into_iter().flatten().collect())
}

/// Open loop: submits `first` jobs at once and `rate` per second for `duration`; waits for the results until `patience`
/// later.
pub async fn open(
    target: &Arc<Target>,
    first: usize,
    rate: f64,
    duration: Duration,
    patience: Duration,
) -> Jobs {
    let start = Instant::now();
    let give_up = start + duration + patience;
    let mut clients = JoinSet::new();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of jobs: small and positive"
    )]
    let more = (rate * duration.as_secs_f64()) as u32;
    let moments = (0..more).map(|job| start + Duration::from_secs_f64(f64::from(job) / rate));
    for (job, moment) in std::iter::repeat_n(start, first).chain(moments).enumerate() {
        sleep_until(moment).await;
        let target = Arc::clone(target);
        clients.spawn(async move { target.run(job, give_up).await });
    }
    Jobs(clients.join_all().await)
}

/// Open loop of any requests, `rate` per second: each one's time in milliseconds from the moment at which it was due, so
/// that a client that falls behind is counted, and its answer.
pub async fn paced<T, F>(rate: f64, requests: impl IntoIterator<Item = F>) -> Vec<(f64, T)>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Instant::now();
    let mut clients = JoinSet::new();
    for (n, request) in (0_u32..).zip(requests) {
        let due = start + Duration::from_secs_f64(f64::from(n) / rate);
        sleep_until(due).await;
        clients.spawn(async move {
            let answer = request.await;
            (due.elapsed().as_secs_f64() * 1e3, answer)
        });
    }
    clients.join_all().await
}

/// Submits `count` jobs, a few at a time, without waiting for results.
pub async fn backlog(target: &Arc<Target>, count: usize, patience: Duration) -> Jobs {
    const AT_ONCE: usize = 32;
    let give_up = Instant::now() + patience;
    let jobs = futures_util::stream::iter(0..count).map(|job| target.submit(job, give_up));
    Jobs(jobs.buffer_unordered(AT_ONCE).collect().await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_finished_failed_or_unfinished() {
        let done =
            Job { sent_ms: 1.0, accepted_ms: Some(3.0), finished_ms: Some(9.0), ..Job::default() };
        let failed = Job { failure: Some("503".into()), ..Job::default() };
        let jobs = Jobs(vec![done, failed, Job::default()]);
        assert_eq!((jobs.finished(), jobs.failures(), jobs.unfinished()), (1, 1, 1));
        assert!((jobs.end_to_end().median() - 8.0).abs() < 1e-9);
        assert!((jobs.submit_times().median() - 2.0).abs() < 1e-9);
    }
}
