//! The generic cell rate algorithm (ITU-T I.371): a limit that needs one number, and no counters that jump at full minutes.

use std::time::Duration;

/// A limit: so many units in any window, all at once if its user likes, coming back evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Name of the limit: ASCII letters, digits and hyphens. Clients see it.
    pub name: &'static str,
    /// Units that one user may use in a window.
    pub quota: u32,
    /// The window; at least a second.
    pub window: Duration,
}

impl Policy {
    /// A limit in any minute.
    pub const fn per_minute(name: &'static str, quota: u32) -> Self {
        Self { name, quota, window: Duration::from_mins(1) }
    }

    /// A limit in any hour.
    pub const fn per_hour(name: &'static str, quota: u32) -> Self {
        Self { name, quota, window: Duration::from_hours(1) }
    }

    /// Microseconds until a used unit is there again.
    pub(super) fn interval_micros(&self) -> u64 {
        match self.quota {
            // Longer than the window: nothing is ever granted.
            0 => self.window_micros().saturating_add(1),
            quota => self.window_micros() / u64::from(quota),
        }
    }

    /// The window in microseconds.
    pub(super) fn window_micros(&self) -> u64 {
        u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX)
    }
}

/// Decision of a policy on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Time until it is granted; zero: it is.
    pub(super) wait_micros: u64,
    /// Time until everything is free again.
    pub(super) used_micros: u64,
}

/// Asks for `units` at `now`, both times in µs of one clock; moves `arrival`, the theoretical arrival time, if they are
/// granted.
pub(super) fn ask(policy: &Policy, arrival: &mut u64, now: u64, units: u32) -> Verdict {
    let before = (*arrival).max(now);
    let after = before.saturating_add(policy.interval_micros().saturating_mul(units.into()));
    let wait_micros = (after - now).saturating_sub(policy.window_micros());
    if wait_micros > 0 {
        return Verdict { wait_micros, used_micros: before - now };
    }
    *arrival = after;
    Verdict { wait_micros, used_micros: after - now }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    #[test]
    fn a_quota_may_be_used_at_once_and_comes_back_evenly() {
        let (policy, mut arrival) = (Policy::per_minute("x", 30), 0);
        for used in 1..=30 {
            let verdict = ask(&policy, &mut arrival, 0, 1);
            assert_eq!((verdict.wait_micros, verdict.used_micros), (0, used * 2 * SECOND));
        }
        assert_eq!(ask(&policy, &mut arrival, 0, 1).wait_micros, 2 * SECOND);
        assert_eq!(ask(&policy, &mut arrival, SECOND, 1).wait_micros, SECOND);
        assert_eq!(ask(&policy, &mut arrival, 2 * SECOND, 1).wait_micros, 0);
        assert_eq!(ask(&policy, &mut arrival, 2 * SECOND, 1).wait_micros, 2 * SECOND);
    }

    #[test]
    fn in_no_window_is_more_granted_than_twice_the_quota() {
        // A full burst, and what comes back meanwhile: the known bound of the algorithm.
        let (policy, mut arrival) = (Policy::per_minute("x", 10), 0);
        let granted = (0..600)
            .filter(|tick| ask(&policy, &mut arrival, tick * SECOND / 10, 1).wait_micros == 0);
        assert_eq!(granted.count(), 19);
    }

    #[test]
    fn what_is_refused_costs_nothing_and_several_units_count_as_such() {
        let (policy, mut arrival) = (Policy::per_minute("x", 10), 0);
        assert_eq!(ask(&policy, &mut arrival, 0, 7).wait_micros, 0);
        assert!(ask(&policy, &mut arrival, 0, 4).wait_micros > 0);
        assert_eq!(ask(&policy, &mut arrival, 0, 3).wait_micros, 0);
        assert!(ask(&Policy::per_minute("closed", 0), &mut 0, 0, 1).wait_micros > 0);
    }
}
