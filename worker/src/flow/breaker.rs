//! Circuit breaker of one analyzer instance: after consecutive failures it admits one probe at a time. Pure.

use std::time::Duration;

use tokio::time::Instant;
use toneup_platform::retry::Backoff;

/// Consecutive failures that open the breaker.
const FAILURES: u32 = 3;
/// Delay between probes: short, so that an analyzer that recovers is used soon; the load is one request at a time.
const PROBES: Backoff =
    Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(1) };
/// Delay between probes of an unreachable instance, where a failed probe costs nothing.
const ABSENT: Backoff = Backoff { longest: Duration::from_millis(500), ..PROBES };

/// Outcome of a request as far as the instance's health is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// A response arrived, whatever its content.
    Answered,
    /// The request failed or timed out; the cause may be the instance or the photo.
    Failed,
    /// The connection could not be established.
    Unreachable,
}

/// Closed while `open_until` is `None`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// True while the breaker is open: the instance is considered unavailable.
    pub(crate) fn is_open(&self) -> bool {
        self.open_until.is_some()
    }

    /// Earliest time of the next probe; `None` while closed.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        self.open_until
    }

    /// Records the outcome of a request. `jitter`, 0 to 1, spreads the probes of many workers.
    pub(crate) fn record(&mut self, now: Instant, health: Health, jitter: f64) {
        match health {
            Health::Answered => *self = Self::default(),
            Health::Failed | Health::Unreachable => {
                self.failures = self.failures.saturating_add(1);
                let enough = health == Health::Unreachable || self.failures >= FAILURES;
                if enough || self.is_open() {
                    let absent = health == Health::Unreachable;
                    let ceiling = if absent { ABSENT } else { PROBES }.ceiling(self.failures);
                    self.open_until = Some(now + ceiling.mul_f64(0.5 + jitter / 2.0));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_failures_do_not_open_it_and_three_in_a_row_do() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for health in [Health::Failed, Health::Failed, Health::Answered, Health::Failed] {
            breaker.record(now, health, 0.5);
            assert!(!breaker.is_open());
        }
        breaker.record(now, Health::Failed, 0.5);
        breaker.record(now, Health::Failed, 0.5);
        assert!(breaker.is_open());
    }

    #[test]
    fn an_unreachable_instance_opens_it_at_once_and_an_answer_closes_it() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.record(now, Health::Unreachable, 1.0);
        assert_eq!(breaker.probe_at(), Some(now + PROBES.first));
        breaker.record(now, Health::Unreachable, 1.0);
        assert_eq!(breaker.probe_at(), Some(now + PROBES.first * 2));
        breaker.record(now, Health::Unreachable, 1.0);
        assert_eq!(breaker.probe_at(), Some(now + ABSENT.longest));
        breaker.record(now, Health::Failed, 1.0);
        assert_eq!(breaker.probe_at(), Some(now + PROBES.longest));
        breaker.record(now, Health::Answered, 1.0);
        assert!(!breaker.is_open());
    }
}
