//! The load generator: clients that submit, wait for the result, and note when what happened.

pub mod target;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::measure::percentiles::Sorted;

pub use self::target::{Direct, Photo, Target, User};

/// One job, as its client saw it. Times in milliseconds since 1970.
#[derive(Debug, Clone, Default)]
pub struct Job {
    /// When it was sent.
    pub sent_ms: f64,
    /// When it was accepted; for a held request, when it was sent.
    pub accepted_ms: Option<f64>,
    /// When the client had the result.
    pub finished_ms: Option<f64>,
    /// Why there will be none.
    pub failure: Option<String>,
    /// How often the client was told to come back later.
    pub throttled: u32,
}

/// All jobs of a run.
#[derive(Debug, Clone, Default)]
pub struct Jobs(pub Vec<Job>);

impl Jobs {
    /// When jobs were accepted.
    pub fn accepted(&self) -> impl Iterator<Item = f64> + '_ {
        self.0.iter().filter_map(|job| job.accepted_ms)
    }

    /// Jobs that ended without a result, or were not taken.
    pub fn failures(&self) -> usize {
        self.0.iter().filter(|job| job.failure.is_some()).count()
    }

    /// The first failure's reason, to show.
    pub fn a_failure(&self) -> Option<&str> {
        self.0.iter().find_map(|job| job.failure.as_deref())
    }

    /// Jobs with a result.
    pub fn finished(&self) -> usize {
        self.0.iter().filter(|job| job.finished_ms.is_some()).count()
    }

    /// Jobs for which the run did not wait to the end.
    pub fn unfinished(&self) -> usize {
        self.0.len() - self.finished() - self.failures()
    }

    /// From sending to acceptance.
    pub fn submit_times(&self) -> Sorted {
        Sorted::new(self.0.iter().filter_map(|job| Some(job.accepted_ms? - job.sent_ms)))
    }

    /// From sending to the result.
    pub fn end_to_end(&self) -> Sorted {
        Sorted::new(self.0.iter().filter_map(|job| Some(job.finished_ms? - job.sent_ms)))
    }

    /// When the last result was there.
    pub fn last_finished(&self) -> Option<f64> {
        self.0.iter().filter_map(|job| job.finished_ms).max_by(f64::total_cmp)
    }

    /// When the first job was sent.
    pub fn first_sent(&self) -> Option<f64> {
        self.0.iter().map(|job| job.sent_ms).min_by(f64::total_cmp)
    }
}

/// `users` clients in a row for `duration`: submit, result, pause, again.
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

/// Submits `first` jobs at once and `rate` a second for `duration`; waits for the results until `patience` later.
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

/// Submits `count` jobs, a few at a time, and waits for no result.
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
