//! How much one connection may ask for: a bucket of events that fills evenly.

/// Events at once.
const BURST: f64 = 60.0;
/// Events in a second, in the long run.
const RATE: f64 = 20.0;
/// Refusals after which the connection is ended.
const MOST_REFUSALS: u32 = 200;

/// Answer to an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    /// It is handled.
    Granted,
    /// It is refused, unread.
    Refused,
    /// The client does not listen to refusals.
    Cut,
}

/// The bucket of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    events: f64,
    /// Seconds of any clock.
    filled_at: f64,
    refusals: u32,
}

impl Budget {
    /// A full bucket.
    pub(super) fn new(now: f64) -> Self {
        Self { events: BURST, filled_at: now, refusals: 0 }
    }

    /// Takes one event.
    pub(super) fn take(&mut self, now: f64) -> Grant {
        self.events = (self.events + (now - self.filled_at).max(0.0) * RATE).min(BURST);
        self.filled_at = now;
        if self.events >= 1.0 {
            self.events -= 1.0;
            return Grant::Granted;
        }
        self.refusals += 1;
        if self.refusals > MOST_REFUSALS { Grant::Cut } else { Grant::Refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_granted_and_comes_back_evenly() {
        let mut budget = Budget::new(0.0);
        let granted = (0..100).filter(|_| budget.take(0.0) == Grant::Granted).count();
        assert_eq!(granted, 60);
        let later = (0..100).filter(|_| budget.take(1.0) == Grant::Granted).count();
        assert_eq!(later, 20);
    }

    #[test]
    fn ten_thousand_events_end_the_connection() {
        let mut budget = Budget::new(0.0);
        let answers: Vec<Grant> = (0..10_000).map(|_| budget.take(0.0)).collect();
        assert_eq!(answers.iter().filter(|answer| **answer == Grant::Refused).count(), 200);
        assert_eq!(answers.last(), Some(&Grant::Cut));
    }
}
