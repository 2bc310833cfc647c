//! Concurrency limit of this worker at one analyzer instance: a pure state machine, fed with events and a clock, so
//! that a simulation and the worker run the same code.
//!
//! An instance that reports its capacity is *followed*; the limit of one that does not is *learned* from its throughput
//! (latency does not show capacity: it rises long before and long after the last slot is taken).

use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use super::learn::Learner;

/// Weight of the newest sample in moving averages.
const SMOOTHING: f64 = 0.2;
/// Share of the service time above which a wait at the instance lowers the limit.
const WAITED_SHARE: f64 = 0.25;
/// Share of the time that a slot may be idle between two jobs before an additional request is queued at the instance.
const BEARABLE_IDLE: f64 = 0.015;
/// Decay of the handover time per response while requests are queued at the instance, since no slot is idle then.
const FORGETTING: f64 = 0.05;
/// Increment by which the handover time may grow at once, beyond doubling.
const HANDOVER_STEP: Duration = Duration::from_millis(1);
/// Factor applied to the limit after a refusal.
const CUT: f64 = 0.7;
/// Maximum of one worker's concurrent requests at one instance.
const CEILING: u32 = 512;

/// Capacity that an instance reports with a response (headers `X-Slots`, `X-Free`, `X-Waited-Ms`, optionally
/// `X-Idle-Ms`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals {
    /// Requests that the instance processes concurrently.
    pub slots: u32,
    /// Slots free at the time of the response, the one that it frees included.
    pub free: u32,
    /// Time that the request was queued at the instance.
    pub waited: Duration,
    /// Time that the request's slot had been idle before; `None` if the instance does not report it.
    pub idle: Option<Duration>,
}

impl Signals {
    /// Parses the headers of a response; `None` unless the three mandatory ones are valid.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let number = |name: &str| text(name)?.parse::<u32>().ok();
        let waited = Duration::from_millis(number("x-waited-ms")?.into());
        let idle_ms = text("x-idle-ms").and_then(|text| text.parse::<f64>().ok());
        let idle = idle_ms.and_then(|ms| Duration::try_from_secs_f64(ms / 1e3).ok());
        Some(Self { slots: number("x-slots")?.max(1), free: number("x-free")?, waited, idle })
    }

    /// Caps the idle time by the time that the job had been available: a slot that is idle for lack of work is no loss.
    pub(crate) fn capped_by_wait(self, wait: Duration) -> Self {
        Self { idle: self.idle.map(|idle| idle.min(wait)), ..self }
    }
}

/// Concurrency limit of one instance.
#[derive(Debug, Clone)]
pub(crate) enum Limit {
    /// Capacity unknown: one request as a probe.
    Unknown,
    /// The instance reports its capacity.
    Followed(Follower),
    /// The instance reports nothing; the limit is learned from throughput.
    Learned(Learner),
}

impl Limit {
    /// This replica's limit of concurrent requests.
    pub(crate) fn get(&self) -> u32 {
        match self {
            Self::Unknown => 1,
            Self::Followed(follower) => follower.limit,
            Self::Learned(learner) => learner.limit(),
        }
    }

    /// Slots that the instance reports; `None` if it reports none.
    pub(crate) fn slots(&self) -> Option<u32> {
        match self {
            Self::Followed(follower) => Some(follower.slots),
            _ => None,
        }
    }

    /// Limit of the concurrent requests of all replicas together; `None` if the instance reports no capacity.
    pub(crate) fn places(&self) -> Option<u32> {
        match self {
            Self::Followed(follower) => Some(follower.places()),
            _ => None,
        }
    }

    /// Records the capacity that the instance reported before its first job.
    pub(crate) fn introduced(&mut self, signals: Signals) {
        if matches!(self, Self::Unknown) {
            let mut follower = Follower::new(signals.slots);
            follower.limit = signals.free.clamp(1, signals.slots.min(CEILING));
            *self = Self::Followed(follower);
        }
    }

    /// Falls back to a local limit when Redis is lost: the requests in flight now, as every other replica does.
    pub(crate) fn alone(&mut self, in_flight: u32) {
        if let Self::Followed(follower) = self {
            follower.limit = in_flight.clamp(1, CEILING);
        }
    }

    /// Records a response after `elapsed`. `full`: the limit was reached when the request was sent. `shared`: leases
    /// bound all replicas together, so that the local limit stays as it is.
    pub(crate) fn answered(
        &mut self,
        now: Instant,
        elapsed: Duration,
        signals: Option<Signals>,
        full: bool,
        shared: bool,
    ) {
        match (&mut *self, signals) {
            (Self::Followed(follower), Some(signals)) => {
                follower.answered(now, elapsed, signals, full, shared);
            }
            (Self::Learned(learner), None) => learner.answered(now, elapsed, full),
            (_, Some(signals)) => {
                let mut follower = Follower::new(signals.slots);
                follower.answered(now, elapsed, signals, true, shared);
                *self = Self::Followed(follower);
            }
            (_, None) => *self = Self::Learned(Learner::new(now)),
        }
    }

    /// Records a refusal for overload.
    pub(crate) fn refused(&mut self, now: Instant) {
        match self {
            Self::Unknown => {}
            Self::Followed(follower) => follower.refused(now),
            Self::Learned(learner) => learner.refused(now),
        }
    }
}

/// Follows the reported capacity: raises the limit while slots are free, lowers it while requests are queued.
#[derive(Debug, Clone)]
pub(crate) struct Follower {
    /// Local limit of this replica, in force while no leases are shared.
    limit: u32,
    slots: u32,
    service: Option<Duration>,
    /// Mean time that a slot is idle between two jobs although jobs are available.
    handover: Option<Duration>,
    lowered: Option<Instant>,
}

impl Follower {
    fn new(slots: u32) -> Self {
        Self { limit: 1, slots, service: None, handover: None, lowered: None }
    }

    /// The slots, plus the requests that must be queued at the instance to keep them busy between jobs: none where the
    /// handover is short compared with the work; otherwise the mean number of slots in handover (Little's law).
    fn places(&self) -> u32 {
        let waiting = match (self.handover, self.service) {
            (Some(handover), Some(service)) => {
                let idle = handover.as_secs_f64() / service.as_secs_f64().max(1e-6);
                let handed_over = (idle * f64::from(self.slots)).ceil();
                if idle <= BEARABLE_IDLE { 0 } else { whole(handed_over).min(self.slots.max(2)) }
            }
            // The handover is not reported: one, to be safe.
            _ => 1,
        };
        self.slots.saturating_add(waiting)
    }

    fn note_handover(&mut self, signals: Signals) {
        let Some(idle) = signals.idle else { return };
        let known = self.handover.unwrap_or_default();
        self.handover = Some(if signals.waited > Duration::ZERO {
            known.mul_f64(1.0 - FORGETTING)
        } else {
            // A single long pause, such as that at the start, is not a handover.
            let idle = idle.min(known * 2 + HANDOVER_STEP);
            known.mul_f64(1.0 - SMOOTHING) + idle.mul_f64(SMOOTHING)
        });
    }

    fn answered(
        &mut self,
        now: Instant,
        elapsed: Duration,
        signals: Signals,
        full: bool,
        shared: bool,
    ) {
        let service = elapsed.saturating_sub(signals.waited);
        let smoothed = self
            .service
            .map_or(service, |known| known.mul_f64(1.0 - SMOOTHING) + service.mul_f64(SMOOTHING));
        self.service = Some(smoothed);
        self.note_handover(signals);
        self.slots = signals.slots;
        if shared {
            return;
        }
        if signals.waited > smoothed.mul_f64(WAITED_SHARE) {
            self.lower(now, |limit| limit.saturating_sub(1));
        } else if full && signals.free > 0 {
            self.limit += 1;
        }
        self.limit = self.limit.min(self.places()).clamp(1, CEILING);
    }

    fn refused(&mut self, now: Instant) {
        self.lower(now, |limit| whole(f64::from(limit) * CUT));
    }

    /// Lowers the limit at most once per service time: earlier requests still reflect the old limit.
    fn lower(&mut self, now: Instant, step: impl FnOnce(u32) -> u32) {
        let service = self.service.unwrap_or_default();
        if self.lowered.is_none_or(|lowered| now.duration_since(lowered) >= service) {
            self.limit = step(self.limit).max(1);
            self.lowered = Some(now);
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number of requests; beyond u32 it saturates"
)]
fn whole(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: Duration = Duration::from_secs(1);

    fn signals(free: u32, waited: Duration) -> Signals {
        Signals { slots: 4, free, waited, idle: None }
    }

    /// Signals of an instance whose slots were idle for so long before each job.
    fn idle(idle: Duration) -> Signals {
        Signals { idle: Some(idle), ..signals(4, Duration::ZERO) }
    }

    fn following() -> (Limit, Instant) {
        let (mut limit, now) = (Limit::Unknown, Instant::now());
        limit.answered(now, SERVICE, Some(signals(4, Duration::ZERO)), true, true);
        limit.alone(5);
        (limit, now)
    }

    #[test]
    fn the_first_answer_opens_all_slots_and_one_more() {
        assert_eq!((Limit::Unknown.get(), Limit::Unknown.places()), (1, None));
        assert_eq!(following().0.places(), Some(5));
    }

    #[test]
    fn who_is_left_alone_goes_on_with_what_it_has() {
        let (mut limit, now) = following();
        limit.answered(now, SERVICE * 2, Some(signals(0, SERVICE)), true, true);
        assert_eq!(limit.get(), 5, "while leases are shared, no answer changes it");
        limit.alone(2);
        assert_eq!(limit.get(), 2);
        limit.alone(0);
        assert_eq!(limit.get(), 1);
    }

    #[test]
    fn an_instance_that_introduces_itself_gets_what_it_has_free_from_the_start() {
        let mut limit = Limit::Unknown;
        limit.introduced(signals(3, Duration::ZERO));
        assert_eq!((limit.get(), limit.places()), (3, Some(5)));
    }

    #[test]
    fn nothing_waits_at_an_instance_that_gets_its_next_job_in_no_time() {
        let (mut limit, now) = (Limit::Unknown, Instant::now());
        limit.answered(now, SERVICE, Some(idle(SERVICE / 200)), true, true);
        assert_eq!(limit.places(), Some(4));
        limit.answered(now, SERVICE, Some(idle(SERVICE / 200)), true, true);
        assert_eq!(limit.places(), Some(4));
    }

    #[test]
    fn as_many_wait_there_as_are_on_their_way_at_a_time() {
        let (mut limit, now) = (Limit::Unknown, Instant::now());
        limit.answered(now, SERVICE, Some(idle(SERVICE / 10)), true, true);
        assert_eq!(limit.places(), Some(4), "once is no rule");
        for _ in 0..40 {
            limit.answered(now, SERVICE, Some(idle(SERVICE / 10)), true, true);
        }
        assert_eq!(limit.places(), Some(5));
        for _ in 0..40 {
            limit.answered(now, SERVICE, Some(idle(SERVICE)), true, true);
        }
        assert_eq!(limit.places(), Some(8), "never more than may wait there");
    }

    #[test]
    fn a_handover_that_is_never_seen_any_more_is_forgotten() {
        let (mut limit, now) = (Limit::Unknown, Instant::now());
        for _ in 0..40 {
            limit.answered(now, SERVICE, Some(idle(SERVICE / 50)), true, true);
        }
        assert_eq!(limit.places(), Some(5));
        for _ in 0..100 {
            let waited = Signals { waited: SERVICE / 10, ..idle(Duration::ZERO) };
            limit.answered(now, SERVICE + waited.waited, Some(waited), true, true);
        }
        assert_eq!(limit.places(), Some(4));
    }

    #[test]
    fn a_slot_that_was_idle_for_want_of_work_is_no_loss() {
        let said = idle(SERVICE).capped_by_wait(Duration::from_millis(3));
        assert_eq!(said.idle, Some(Duration::from_millis(3)));
    }

    #[test]
    fn slots_that_are_added_are_used_at_once() {
        let (mut limit, now) = following();
        let more = Some(Signals { slots: 8, ..signals(0, Duration::ZERO) });
        limit.answered(now, SERVICE, more, true, true);
        assert_eq!(limit.places(), Some(9));
    }

    #[test]
    fn without_a_shared_truth_the_limit_grows_one_by_one() {
        let (mut limit, now) = (Limit::Unknown, Instant::now());
        for expected in [2, 3, 4, 5, 5] {
            limit.answered(now, SERVICE, Some(signals(4, Duration::ZERO)), true, false);
            assert_eq!(limit.get(), expected);
        }
    }

    #[test]
    fn jobs_that_wait_lower_the_limit_once_per_service_time() {
        let (mut limit, now) = following();
        for _ in 0..3 {
            limit.answered(now, SERVICE * 2, Some(signals(0, SERVICE)), true, false);
        }
        assert_eq!(limit.get(), 4);
        limit.answered(now + SERVICE, SERVICE * 2, Some(signals(0, SERVICE)), true, false);
        assert_eq!(limit.get(), 3);
    }

    #[test]
    fn one_burst_of_refusals_is_one_signal() {
        let (mut limit, now) = following();
        for _ in 0..10 {
            limit.refused(now);
        }
        assert_eq!(limit.get(), 3);
    }

    #[test]
    fn free_slots_that_we_did_not_try_to_fill_change_nothing() {
        let (mut limit, now) = (Limit::Unknown, Instant::now());
        limit.answered(now, SERVICE, Some(signals(1, Duration::ZERO)), true, false);
        let before = limit.get();
        limit.answered(now, SERVICE, Some(signals(4, Duration::ZERO)), false, false);
        assert_eq!(limit.get(), before);
    }

    #[test]
    fn an_instance_that_shrinks_is_followed_at_once() {
        let (mut limit, now) = following();
        let shrunk = Some(Signals { slots: 2, ..signals(1, Duration::ZERO) });
        limit.answered(now, SERVICE, shrunk, true, false);
        assert_eq!((limit.get(), limit.places()), (3, Some(3)));
    }

    #[test]
    fn an_instance_that_falls_silent_is_learned() {
        let (mut limit, now) = following();
        limit.answered(now, SERVICE, None, true, true);
        assert!(matches!(limit, Limit::Learned(_)));
    }
}
