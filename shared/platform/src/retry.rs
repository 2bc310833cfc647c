//! Delays between attempts: exponential with full jitter, so that clients that failed together do not return together.

use std::time::Duration;

use rand::RngExt;

/// An exponential backoff.
///
/// "Full jitter" (Brooker, *Exponential Backoff and Jitter*, 2015): each pause is uniform between the floor and the
/// exponential ceiling of its attempt.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// Ceiling of the first delay.
    pub first: Duration,
    /// Ceiling of every later delay.
    pub longest: Duration,
}

impl Backoff {
    /// Backoff for reconnecting to a service of our own: quick at first, never hammering.
    pub const RECONNECT: Self =
        Self { first: Duration::from_millis(200), longest: Duration::from_secs(5) };

    /// Largest delay after `failures` consecutive failures, from 1.
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doubled = self.first.saturating_mul(1 << failures.saturating_sub(1).min(20));
        doubled.min(self.longest)
    }

    /// Random delay after `failures` consecutive failures: between a tenth of the ceiling and the ceiling.
    pub fn pause(&self, failures: u32) -> Duration {
        self.ceiling(failures).mul_f64(rand::rng().random_range(0.1..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(1) };

    #[test]
    fn the_ceiling_doubles_up_to_the_longest() {
        let seconds: Vec<u64> = (1..=8).map(|n| BACKOFF.ceiling(n).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(BACKOFF.ceiling(u32::MAX), Duration::from_mins(1));
    }

    #[test]
    fn a_pause_stays_below_its_ceiling_and_never_vanishes() {
        for failures in 1..100 {
            let (pause, ceiling) = (BACKOFF.pause(failures), BACKOFF.ceiling(failures));
            assert!(pause <= ceiling && pause >= ceiling / 11, "{pause:?} of {ceiling:?}");
        }
    }
}
