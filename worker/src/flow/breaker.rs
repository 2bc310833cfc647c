//! The breaker of one analyzer instance: after failures in a row nothing is sent, but for one probe at a time. Pure.

use std::time::Duration;

use tokio::time::Instant;
use toneup_platform::retry::Backoff;

/// Failed answers in a row that are no accident any more.
const FAILURES: u32 = 3;
/// Between probes: short, so that an analyzer that returns is not left idle; one request each is no burden.
const PROBES: Backoff =
    Backoff { first: Duration::from_millis(250), longest: Duration::from_secs(1) };
/// The same where nobody is there: a probe that fails costs nothing.
const ABSENT: Backoff = Backoff { longest: Duration::from_millis(500), ..PROBES };

/// How an exchange with the instance went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answered, whatever it said.
    Answered,
    /// It failed, or did not answer in time: its fault or the photo's.
    Failed,
    /// There is nobody.
    Unreachable,
}

/// Closed while `open_until` is `None`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breaker {
    failures: u32,
    open_until: Option<Instant>,
}

impl Breaker {
    /// Whether the instance is believed to be away.
    pub(crate) fn is_open(&self) -> bool {
        self.open_until.is_some()
    }

    /// When the next probe may go out; `None` while closed.
    pub(crate) fn probe_at(&self) -> Option<Instant> {
        self.open_until
    }

    /// Takes note of an exchange; `jitter` spreads the probes of many workers, 0 to 1.
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
    fn nobody_there_opens_it_at_once_and_an_answer_closes_it() {
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
