//! Record of the stub's own work: the only source of the reported utilisation.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Clock in milliseconds since 1970 that never runs backwards, comparable between the stub's and the bench's processes.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    started_ms: f64,
}

impl Default for Clock {
    fn default() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_ms: since_epoch.as_secs_f64() * 1e3 }
    }
}

impl Clock {
    /// Current time, in milliseconds since 1970.
    pub fn now_ms(&self) -> f64 {
        self.started_ms + self.started.elapsed().as_secs_f64() * 1e3
    }
}

/// State of the stub from `at_ms` until the next sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Start of the period.
    pub at_ms: f64,
    /// Number of requests inside: running and queued.
    pub in_flight: usize,
    /// Number of busy slots.
    pub busy: usize,
    /// Number of slots; 0 while it is down.
    pub slots: usize,
}

/// One photo answered with 200.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Time of the request's arrival.
    pub arrived_ms: f64,
    /// Time at which it got its slot.
    pub started_ms: f64,
    /// Time of the response.
    pub answered_ms: f64,
    /// Time that the work would have taken unloaded.
    pub work_ms: f64,
}

/// Everything recorded since the last reset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// All changes of state.
    pub samples: Vec<Sample>,
    /// All answered photos.
    pub answers: Vec<Answered>,
    /// Number of requests refused with 503.
    pub refused: u64,
    /// Number of requests whose client disconnected, or that were cut with the stub.
    pub abandoned: u64,
    /// Most requests inside at once.
    pub max_in_flight: usize,
    /// Integral of busy slots over time, in seconds.
    pub busy_slot_seconds: f64,
}

impl Record {
    /// Records the state from now on.
    pub fn note(&mut self, sample: Sample) {
        if let Some(last) = self.samples.last() {
            #[expect(clippy::cast_precision_loss, reason = "slots are few")]
            let busy = last.busy.min(last.slots) as f64;
            self.busy_slot_seconds += busy * (sample.at_ms - last.at_ms).max(0.0) / 1e3;
        }
        self.max_in_flight = self.max_in_flight.max(sample.in_flight);
        self.samples.push(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(at_ms: f64, busy: usize) -> Sample {
        Sample { at_ms, in_flight: busy, busy, slots: 2 }
    }

    #[test]
    fn busy_slot_seconds_are_the_integral_of_busy_slots() {
        let mut record = Record::default();
        for (at_ms, busy) in [(0.0, 1), (1000.0, 2), (1500.0, 0), (9000.0, 0)] {
            record.note(sample(at_ms, busy));
        }
        assert!((record.busy_slot_seconds - 2.0).abs() < 1e-9);
        assert_eq!(record.max_in_flight, 2);
    }

    #[test]
    fn what_works_beyond_the_slots_is_not_counted() {
        let mut record = Record::default();
        record.note(sample(0.0, 8));
        record.note(sample(1000.0, 0));
        assert!((record.busy_slot_seconds - 2.0).abs() < 1e-9);
    }
}
