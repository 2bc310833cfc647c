//! Adaptive concurrency limit of an instance that does not report its capacity: hill climbing on throughput. A new
//! limit is tried for a while and kept only if it raised the responses per second. A pure state machine.

use std::time::Duration;

use tokio::time::Instant;

/// Share of the gain expected of one more slot that must be measured for a step up to be kept.
const CONVINCING: f64 = 0.35;
/// Factor by which throughput must rise for the limit to be doubled once more.
const DOUBLING_PAYS: f64 = 1.4;
/// Responses that a trial needs per allowed request; fewer while doubling, where the gain is large.
const ANSWERS_PER_REQUEST: u32 = 4;
const ANSWERS_WHILE_DOUBLING: u32 = 2;
/// Trials at the settled limit before the next step.
const REST: u32 = 4;
/// Number of times a larger limit that brought no gain is tried again at once: slow connections to overloaded processes
/// are being closed meanwhile.
const REPEATS: u32 = 2;
/// Number of steps after which a smaller limit is tried although it was insufficient before. Rare, since throughput
/// drops.
const DOUBT: u32 = 6;
/// Multiple of the unloaded response time above which requests spend most of their time queued.
const CROWDED: f64 = 1.75;
/// Factor by which the unloaded response time grows with every trial, so that old measurements are forgotten.
const FORGETTING: f64 = 1.01;
const CEILING: u32 = 256;

/// Purpose of the running trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Doubling from one, as long as throughput rises enough.
    Doubling,
    /// Measuring the settled limit; the number of trials left before the next step.
    Resting(u32),
    /// Trying one request more than the settled limit.
    Up,
    /// Trying one request fewer than the settled limit.
    Down,
}

/// A limit found by hill climbing on throughput.
#[derive(Debug, Clone)]
pub struct Learner {
    /// Best limit known; `rate` is the responses per second at it.
    settled: u32,
    rate: f64,
    phase: Phase,
    trial: Trial,
    /// Number of repetitions of the current trial.
    repeats: u32,
    /// Smallest limit below which throughput has dropped.
    needed: u32,
    /// Steps tried since the start.
    turns: u32,
    /// Mean response time where hardly any request is queued.
    unloaded: Duration,
    /// True if most requests are queued: a larger limit would only take throughput from other replicas.
    crowded: bool,
}

/// Measurement of the throughput while the limit is fully used.
#[derive(Debug, Clone, Copy)]
struct Trial {
    began: Instant,
    answers: u32,
    /// Sum of the response times.
    time: Duration,
    /// Requests sent before the trial whose responses are still to come; those are not counted.
    leftover: u32,
}

impl Trial {
    fn begin(now: Instant, leftover: u32) -> Self {
        Self { began: now, answers: 0, time: Duration::ZERO, leftover }
    }
}

impl Learner {
    /// Starts with a limit of one request.
    pub fn new(now: Instant) -> Self {
        let trial = Trial::begin(now, 0);
        Self {
            settled: 1,
            rate: 0.0,
            phase: Phase::Doubling,
            trial,
            repeats: 0,
            needed: 1,
            turns: 0,
            unloaded: Duration::MAX,
            crowded: false,
        }
    }

    /// Current limit of concurrent requests.
    pub fn limit(&self) -> u32 {
        match self.phase {
            Phase::Doubling | Phase::Resting(_) => self.settled,
            Phase::Up => (self.settled + 1).min(CEILING),
            Phase::Down => (self.settled - 1).max(1),
        }
    }

    /// Records a response. `full`: the limit was reached when the request was sent.
    pub fn answered(&mut self, now: Instant, elapsed: Duration, full: bool) {
        if !full {
            // With spare capacity the throughput is that of the arrivals and teaches nothing.
            self.trial = Trial::begin(now, 0);
            return;
        }
        if self.trial.leftover > 0 {
            self.trial.leftover -= 1;
            self.trial.began = now;
            return;
        }
        self.trial.answers += 1;
        self.trial.time += elapsed;
        let needed = match self.phase {
            Phase::Doubling => ANSWERS_WHILE_DOUBLING,
            _ => ANSWERS_PER_REQUEST,
        };
        if self.trial.answers < (needed * self.limit()).max(3) {
            return;
        }
        let seconds = now.duration_since(self.trial.began).as_secs_f64().max(1e-6);
        let rate = f64::from(self.trial.answers) / seconds;
        let before = self.limit();
        let mean = self.trial.time / self.trial.answers;
        self.unloaded = if self.unloaded == Duration::MAX {
            mean
        } else {
            self.unloaded.mul_f64(FORGETTING).min(mean)
        };
        self.crowded = mean > self.unloaded.mul_f64(CROWDED);
        let again = match self.phase {
            Phase::Doubling => self.crowded || !self.pays(rate),
            Phase::Up => !self.crowded && !self.pays(rate),
            _ => false,
        };
        if again && self.repeats < REPEATS {
            self.repeats += 1;
            self.trial = Trial::begin(now, 0);
            return;
        }
        self.repeats = 0;
        self.conclude(rate);
        self.trial = Trial::begin(now, before);
    }

    /// Records a refusal for overload: the limit falls to three quarters.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.settled = (self.settled * 3 / 4).max(1);
        self.needed = self.needed.min(self.settled);
        self.phase = Phase::Resting(REST);
        self.trial = Trial::begin(now, self.settled);
    }

    /// True if the throughput at a larger limit justifies it.
    fn pays(&self, rate: f64) -> bool {
        match self.phase {
            Phase::Doubling => self.rate == 0.0 || rate > self.rate * DOUBLING_PAYS,
            _ => rate > self.rate * (1.0 + CONVINCING / f64::from(self.settled)),
        }
    }

    /// Ends a trial that measured `rate` responses per second, and chooses the next limit and phase.
    fn conclude(&mut self, rate: f64) {
        match self.phase {
            Phase::Doubling if self.pays(rate) && !self.crowded => {
                self.rate = rate;
                self.needed = self.settled;
                self.settled = (self.settled * 2).min(CEILING);
            }
            Phase::Doubling => {
                // The best limit is between the last two; single steps find it.
                self.rate = self.rate.max(rate);
                self.settled = (self.settled * 3 / 4).max(1);
                self.phase = Phase::Resting(0);
            }
            Phase::Resting(0) => {
                self.rate = rate;
                self.turns += 1;
                let doubted = self.turns.is_multiple_of(DOUBT) && self.settled > 1;
                let down =
                    self.settled > self.needed || doubted || (self.crowded && self.settled > 1);
                self.phase = if down { Phase::Down } else { Phase::Up };
            }
            Phase::Resting(left) => {
                self.rate = f64::midpoint(self.rate, rate);
                self.phase = Phase::Resting(left - 1);
            }
            Phase::Up if self.pays(rate) && !self.crowded => {
                self.settled = self.limit();
                self.rate = rate;
                self.needed = self.settled;
                self.phase = Phase::Resting(0);
            }
            Phase::Down
                if self.crowded
                    || rate > self.rate * (1.0 - CONVINCING / f64::from(self.settled)) =>
            {
                self.settled = self.limit();
                self.rate = rate;
                self.needed = self.needed.min(self.settled);
                self.phase = Phase::Resting(0);
            }
            Phase::Down => {
                self.needed = self.settled;
                self.phase = Phase::Resting(REST);
            }
            Phase::Up => self.phase = Phase::Resting(REST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a learner against an instance of `slots` with one queue; returns the slots' utilisation and the final
    /// limit.
    fn utilisation(slots: u32, degrading: bool, answers: u32) -> (f64, u32) {
        let begun = Instant::now();
        let mut learner = Learner::new(begun);
        let (mut now, mut done) = (begun, Vec::new());
        for _ in 0..answers {
            let there = f64::from(learner.limit());
            let full = there / f64::from(slots);
            // Answers per second of an instance with a service time of 1 s.
            let rate = match (full > 1.0, degrading) {
                (false, _) => there,
                (true, false) => f64::from(slots),
                (true, true) => f64::from(slots) * full.powf(-0.3),
            };
            now += Duration::from_secs_f64(1.0 / rate);
            learner.answered(now, Duration::from_secs_f64(there / rate), true);
            done.push((rate / f64::from(slots)).min(1.0));
        }
        let half = &done[done.len() / 2..];
        let count = u32::try_from(half.len()).unwrap();
        (half.iter().sum::<f64>() / f64::from(count), learner.limit())
    }

    #[test]
    fn the_slots_of_a_silent_instance_are_found_and_kept_busy() {
        for slots in [1, 2, 4, 8, 16] {
            for degrading in [false, true] {
                let (used, limit) = utilisation(slots, degrading, 3000);
                assert!(used > 0.9, "{slots} slots, degrading {degrading}: {used}");
                assert!(limit <= 2 * slots, "{slots} slots, degrading {degrading}: {limit}");
            }
        }
    }

    #[test]
    fn an_idle_system_teaches_nothing() {
        let now = Instant::now();
        let mut learner = Learner::new(now);
        for second in 0..1000 {
            learner.answered(now + Duration::from_secs(second), Duration::from_secs(1), false);
        }
        assert_eq!(learner.limit(), 1);
    }
}
