//! Utilisation of the analyzer while there was work for it.
//!
//! *utilisation = busy-slot-seconds / (slots × time with jobs waiting)*. Busy slots and slots are the stubs' own records.
//! Jobs wait while more jobs are accepted (202) and not yet answered by the analyzer than the analyzer has slots: then,
//! even with every slot at work, at least one job stands in line, wherever in the pipeline it may be. So a job that lies
//! in the broker, in a worker's window or in a Redis set counts as waiting all the same, and a pipeline gains nothing
//! by hiding it.

use super::percentiles::Sorted;
use super::steps::Steps;
use crate::stub::http::Stats;

/// Activity of the analyzers, and the demand on them. Times in milliseconds.
#[derive(Debug, Clone)]
pub struct Usage {
    /// Busy slots, summed over all analyzers.
    pub busy: Steps,
    /// Existing slots, summed over all analyzers.
    pub slots: Steps,
    /// Requests inside the analyzers.
    pub in_flight: Steps,
    /// Jobs accepted and not yet answered by an analyzer.
    pub demand: Steps,
    /// Arrival of each request and its time at the analyzer.
    pub visits: Vec<(f64, f64)>,
}

impl Usage {
    /// Combines the records of all analyzers with the times at which jobs were accepted.
    pub fn new(stats: &[Stats], accepted_ms: impl IntoIterator<Item = f64>) -> Self {
        let series = |of: fn(&crate::stub::record::Sample) -> usize| {
            Steps::sum(stats.iter().map(|stats| {
                #[expect(clippy::cast_precision_loss, reason = "requests and slots are few")]
                Steps::new(stats.samples.iter().map(|sample| (sample.at_ms, of(sample) as f64)))
            }))
        };
        let answers = || stats.iter().flat_map(|stats| &stats.answers);
        let accepted = Steps::counting(accepted_ms);
        let answered = Steps::counting(answers().map(|answer| answer.answered_ms));
        let time = |answer: &crate::stub::record::Answered| answer.answered_ms - answer.arrived_ms;
        Self {
            busy: series(|sample| sample.busy.min(sample.slots)),
            slots: series(|sample| sample.slots),
            in_flight: series(|sample| sample.in_flight),
            demand: Steps::combine([&accepted, &answered], |[accepted, answered]| {
                (accepted - answered).max(0.0)
            }),
            visits: answers().map(|answer| (answer.arrived_ms, time(answer))).collect(),
        }
    }

    /// Step function that is 1 while jobs wait, otherwise 0.
    fn waiting(&self) -> Steps {
        let waits = |[demand, slots]: [f64; 2]| f64::from(u8::from(demand > slots && slots > 0.0));
        Steps::combine([&self.demand, &self.slots], waits)
    }

    /// Start of the first and end of the last period in which jobs waited.
    pub fn waited(&self) -> Option<(f64, f64)> {
        self.waiting().extent(|waits| waits > 0.0)
    }

    /// Busy slots and existing slots, both 0 while no jobs wait.
    fn while_waiting(&self) -> (Steps, Steps) {
        let waiting = self.waiting();
        let product = |steps| Steps::combine([steps, &waiting], |[value, waits]| value * waits);
        (product(&self.busy), product(&self.slots))
    }

    /// Utilisation between two times; NaN if no job waited.
    pub fn utilisation(&self, from: f64, to: f64) -> f64 {
        let (busy, slots) = self.while_waiting();
        busy.integral(from, to) / slots.integral(from, to)
    }

    /// Times at the analyzer of the photos that arrived between two times.
    pub fn times(&self, from: f64, to: f64) -> Sorted {
        let inside = self.visits.iter().filter(|(arrived, _)| (from..to).contains(arrived));
        Sorted::new(inside.map(|(_, time)| *time))
    }

    /// Time after `change` from which the utilisation stays at `level`, in any window of `width`: until the start of
    /// the first window after the last one below. Considers 4 widths, or until `end`; `None` if the last window is
    /// below.
    pub fn recovery(&self, change: f64, end: f64, width: f64, level: f64) -> Option<f64> {
        const STEP_MS: f64 = 25.0;
        const WIDTHS: f64 = 4.0;
        let (busy, slots) = self.while_waiting();
        let last = (end - width).min(WIDTHS.mul_add(width, change));
        let (mut from, mut back) = (change, Some(0.0));
        while from <= last {
            let is_full =
                busy.integral(from, from + width) >= level * slots.integral(from, from + width);
            back = if is_full { back.or(Some(from - change)) } else { None };
            from += STEP_MS;
        }
        back
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::record::{Answered, Sample};

    fn stats(samples: &[(f64, usize)], answered_ms: &[f64]) -> Stats {
        let sample = |&(at_ms, busy)| Sample { at_ms, in_flight: busy, busy, slots: 2 };
        let answer = |&answered_ms| Answered {
            arrived_ms: answered_ms - 100.0,
            started_ms: answered_ms - 100.0,
            answered_ms,
            work_ms: 100.0,
        };
        Stats {
            now_ms: 0.0,
            slots: 2,
            service_ms: 100.0,
            in_flight: 0,
            max_in_flight: 0,
            busy: 0,
            busy_slot_seconds: 0.0,
            answered: answered_ms.len(),
            refused: 0,
            abandoned: 0,
            samples: samples.iter().map(sample).collect(),
            answers: answered_ms.iter().map(answer).collect(),
        }
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    /// Two slots, four jobs at once; one slot idles until 100, then both work: 100-300, 100-300.
    fn slow_start() -> Usage {
        let record = stats(&[(0.0, 0), (100.0, 2), (300.0, 0)], &[200.0, 200.0, 300.0, 300.0]);
        Usage::new(&[record], [0.0; 4])
    }

    #[test]
    fn only_the_time_with_more_jobs_than_slots_counts() {
        let usage = slow_start();
        assert_eq!(usage.waited(), Some((0.0, 200.0)));
        near(usage.utilisation(0.0, 1000.0), 0.5);
        near(usage.utilisation(100.0, 1000.0), 1.0);
        assert!(usage.utilisation(250.0, 1000.0).is_nan(), "no job waited");
    }

    #[test]
    fn recovery_is_the_first_full_window() {
        let found = slow_start().recovery(0.0, 200.0, 50.0, 0.95);
        near(found.unwrap(), 100.0);
        assert_eq!(slow_start().recovery(0.0, 120.0, 50.0, 0.95), None);
    }

    #[test]
    fn several_analyzers_are_one_capacity() {
        let full = stats(&[(0.0, 2), (100.0, 0)], &[]);
        let idle = stats(&[(0.0, 0), (100.0, 0)], &[]);
        near(Usage::new(&[full, idle], [0.0; 9]).utilisation(0.0, 100.0), 0.5);
    }

    #[test]
    fn a_dead_analyzers_slots_do_not_count() {
        let alive = stats(&[(0.0, 2)], &[]);
        let mut dead = stats(&[(0.0, 0)], &[]);
        dead.samples[0].slots = 0;
        near(Usage::new(&[alive, dead], [0.0; 9]).utilisation(0.0, 100.0), 1.0);
    }
}
