//! What the stub saw of its own work: the only source of the utilisation that is reported.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970 that never run backwards: the stub and the bench, two processes, compare them.
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
    /// Now.
    pub fn now_ms(&self) -> f64 {
        self.started_ms + self.started.elapsed().as_secs_f64() * 1e3
    }
}

/// The stub's state from `at_ms` until the next sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Since when.
    pub at_ms: f64,
    /// Requests inside: at work and waiting.
    pub in_flight: usize,
    /// Slots at work.
    pub busy: usize,
    /// Slots there are; 0 while it is down.
    pub slots: usize,
}

/// One photo that was answered with 200.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// When the request came in.
    pub arrived_ms: f64,
    /// When it got its slot.
    pub started_ms: f64,
    /// When it was answered.
    pub answered_ms: f64,
    /// How long the work would have taken unloaded.
    pub work_ms: f64,
}

/// All that was seen since the last reset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Record {
    /// Every change of state.
    pub samples: Vec<Sample>,
    /// Every answer.
    pub answers: Vec<Answered>,
    /// Requests answered with 503.
    pub refused: u64,
    /// Requests whose caller left, or that died with the stub.
    pub abandoned: u64,
    /// The most requests inside at once.
    pub max_in_flight: usize,
    /// The integral of busy slots over time, in seconds.
    pub busy_slot_seconds: f64,
}

impl Record {
    /// Notes the state from now on.
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
