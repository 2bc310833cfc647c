//! Counting in this process alone, while Redis is away.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::gcra::{Policy, Verdict, ask};

/// Users that are counted at once. Beyond, those that use least are forgotten.
const MOST: usize = 10_000;

/// The theoretical arrival times of this process's users.
#[derive(Debug)]
pub(super) struct Local {
    begun: Instant,
    arrivals: Mutex<HashMap<String, u64>>,
}

impl Local {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), arrivals: Mutex::default() }
    }

    /// Asks for units, as the script does.
    pub(super) fn ask(&self, policy: &Policy, key: &str, units: u32) -> Verdict {
        let now = u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() >= MOST && !arrivals.contains_key(key) {
            make_room(&mut arrivals, now);
        }
        ask(policy, arrivals.entry(key.to_owned()).or_default(), now, units)
    }
}

/// Forgets those who have everything back, or else the half that is nearest to it.
fn make_room(arrivals: &mut HashMap<String, u64>, now: u64) {
    arrivals.retain(|_, arrival| *arrival > now);
    if arrivals.len() >= MOST {
        let mut times: Vec<u64> = arrivals.values().copied().collect();
        let (_, median, _) = times.select_nth_unstable(MOST / 2);
        let median = *median;
        arrivals.retain(|_, arrival| *arrival > median);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn any_number_of_users_takes_bounded_room_and_the_busiest_stay_counted() {
        let (local, policy) = (Local::new(), Policy::per_minute("x", 2));
        for _ in 0..2 {
            assert_eq!(local.ask(&policy, "busy", 1).wait_micros, 0);
        }
        for user in 0..MOST * 3 {
            local.ask(&policy, &user.to_string(), 1);
            assert!(local.arrivals.lock().unwrap().len() <= MOST);
        }
        assert!(local.ask(&policy, "busy", 1).wait_micros > 0);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(local.ask(&policy, "busy", 1).wait_micros, 0);
    }
}
